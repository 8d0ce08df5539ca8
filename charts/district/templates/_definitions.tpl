{{/*
What the broker holds: the rows made from infra/broker/src/tongban_broker/bus.yaml, and those of each peer. No secret is in
them; `python -m tongban_broker` adds the hashes. A suspended peer keeps its user, which may do nothing: RabbitMQ's import
adds and changes, and never takes away.
*/}}
{{- define "district.definitions" -}}
{{- $rows := .Files.Get "files/broker/definitions.json" | fromJson -}}
{{- $peer := .Files.Get "files/broker/peer.json" -}}
{{- range .Values.peers -}}
  {{- $own := $peer | replace "%CODE%" .code | fromJson -}}
  {{- $suspended := .suspended -}}
  {{- range $kind, $found := $own -}}
    {{- if and $suspended (eq $kind "permissions") -}}
      {{- range $found }}{{ $_ := set . "write" "^$" }}{{ end -}}
    {{- end -}}
    {{- $_ := set $rows $kind (concat (index $rows $kind) $found) -}}
  {{- end -}}
{{- end -}}
{{ $rows | toPrettyJson }}
{{- end }}

{{- define "district.brokerConfiguration" -}}
listeners.tcp.default = 5672
listeners.ssl.default = 5671
ssl_options.cacertfile = /run/tongban/tls/ca.crt
ssl_options.certfile = /run/tongban/tls/tls.crt
ssl_options.keyfile = /run/tongban/tls/tls.key
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
load_definitions = /run/tongban/definitions/definitions.json
log.console = true
log.console.level = info
heartbeat = 20
vm_memory_high_watermark.absolute = {{ .Values.broker.embedded.memoryHighWatermark }}
disk_free_limit.absolute = {{ .Values.broker.embedded.diskFreeLimit }}
{{- end }}
