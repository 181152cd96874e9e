# The package, the bootstrap file, the units.
class hygiene_agent (String $site = 'ams', String $role = 'web') {
  package { 'hygiene-agent': ensure => installed }
  -> file { '/etc/hygiene-agent/root.json':
    source => 'puppet:///modules/hygiene_agent/root.json',
    mode   => '0644',
  }
  -> file { '/etc/hygiene-agent/agent.yaml':
    group   => 'hygiene-agent',
    mode    => '0640',
    content => @("YAML"),
      version: 1
      host: {labels: {site: ${site}, role: ${role}}}
      store: {url: "https://policy.example.net/", root: /etc/hygiene-agent/root.json}
      sinks: {local: {kind: file, path: /var/log/hygiene-agent/events.jsonl}}
      | YAML
  }
  ~> service { 'hygiene-agent.target': ensure => running, enable => true }
}
