# The package, the bootstrap file, the units.
hygiene-agent:
  pkg.installed: []

/etc/hygiene-agent/root.json:
  file.managed:
    - source: salt://hygiene-agent/root.json
    - mode: "0644"
    - require: [{pkg: hygiene-agent}]

/etc/hygiene-agent/agent.yaml:
  file.managed:
    - group: hygiene-agent
    - mode: "0640"
    - require: [{pkg: hygiene-agent}]
    - contents: |
        version: 1
        host: {labels: {site: ams, role: web}}
        store: {url: "https://policy.example.net/", root: /etc/hygiene-agent/root.json}
        sinks: {local: {kind: file, path: /var/log/hygiene-agent/events.jsonl}}

hygiene-agent.target:
  service.running:
    - enable: true
    - watch: [{file: /etc/hygiene-agent/agent.yaml}]
