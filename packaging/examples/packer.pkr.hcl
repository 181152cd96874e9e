# The last provisioner of a machine image: looks at the root as it is, leaves nothing behind, and ends
# the build where a finding is at or over the threshold.
build {
  sources = ["source.amazon-ebs.base"]

  provisioner "file" {
    source      = "hygiene-agent-0.1.0-linux-x86_64.tar.gz"
    destination = "/tmp/hygiene-agent.tar.gz"
  }
  provisioner "shell" {
    execute_command = "sudo sh -c '{{ .Vars }} {{ .Path }}'"
    inline = [
      "mkdir /run/gate && tar -xzf /tmp/hygiene-agent.tar.gz --strip-components=1 -C /run/gate",
      "rm /tmp/hygiene-agent.tar.gz",
      "HYGIENE_AGENT_STATE=/run/gate/state /run/gate/bin/hygiene-agent scan --root / --fail-on high",
      "rm -r /run/gate",
    ]
  }
}
