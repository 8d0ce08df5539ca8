{{/* Egress rules by name; a process's facts say which it gets. dict root engines names → a list. */}}
{{- define "district.egress" -}}
{{- $root := .root -}}
{{- $engines := .engines -}}
{{- range .names }}
{{- if eq . "broker" }}
- to: {{- include "district.brokerPeers" $root | nindent 4 }}
  ports: [{port: {{ $engines.broker.port }}, protocol: TCP}]
{{- else if eq . "inbox" }}
- to: {{- include "district.brokerPeers" $root | nindent 4 }}
  ports: [{port: {{ $engines.broker.inboxPort }}, protocol: TCP}]
{{- else if eq . "database" }}
- to: {{- include "district.databasePeers" $root | nindent 4 }}
  ports: [{port: {{ $engines.database.port }}, protocol: TCP}]
{{- else if has . (list "issuer" "gateway" "portal") }}
- to: {{- include "service.pods" (dict "root" $root "name" (ternary "identity_http" . (eq . "issuer"))) | nindent 4 }}
  ports: [{port: 8443, protocol: TCP}]
{{- if and $root.Values.ingress.enabled $root.Values.ingress.controller }}
- to: {{- toYaml $root.Values.ingress.controller | nindent 4 }}
  ports: [{port: 443, protocol: TCP}, {port: 8443, protocol: TCP}]
{{- end }}
{{- else if and (eq . "collector") $root.Values.telemetry.otlpEndpoint }}
- to: {{- toYaml $root.Values.telemetry.peers | nindent 4 }}
  ports: [{port: {{ int $root.Values.telemetry.port }}, protocol: TCP}]
{{- else if and (eq . "traceSource") $root.Values.telemetry.traceSource.url }}
- to: {{- toYaml $root.Values.telemetry.traceSource.peers | nindent 4 }}
  ports: [{port: {{ int $root.Values.telemetry.traceSource.port }}, protocol: TCP}]
{{- else if eq . "mail" }}
- to: {{- toYaml $root.Values.mail.peers | nindent 4 }}
  ports: [{port: {{ int $root.Values.mail.port }}, protocol: TCP}]
{{- else if and (eq . "parties") $root.Values.networkPolicy.parties }}
- to: {{- toYaml $root.Values.networkPolicy.parties | nindent 4 }}
  ports: [{port: 443, protocol: TCP}, {port: 8443, protocol: TCP}]
{{- else if eq . "peers" }}
{{- range $root.Values.peers }}
{{- if not .suspended }}
- to: {{- toYaml (.network | default list) | nindent 4 }}
  ports: [{port: {{ int (.port | default 5671) }}, protocol: TCP}]
{{- end }}
{{- end }}
{{- else if eq . "peerIssuers" }}
{{- range $root.Values.peers }}
{{- if not .suspended }}
- to: {{- toYaml (.network | default list) | nindent 4 }}
  ports: [{port: 443, protocol: TCP}, {port: 8443, protocol: TCP}]
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "district.brokerPeers" -}}
{{- if eq .Values.broker.mode "embedded" }}
{{- include "service.pods" (dict "root" . "name" "broker") }}
{{- else }}
{{- toYaml .Values.broker.external.peers }}
{{- end }}
{{- end }}

{{- define "district.databasePeers" -}}
{{- if eq .Values.database.mode "embedded" }}
{{- include "service.pods" (dict "root" . "name" "database") }}
{{- else }}
{{- toYaml .Values.database.external.peers }}
{{- end }}
{{- end }}

{{/* Who may call a process that serves people: the ingress controller, those that have business with it, and the test;
     the issuer is called by its peers' issuers too. */}}
{{- define "district.ingress" -}}
{{- $root := .root -}}
{{- if .facts.https }}
- from:
    {{- range index (dict "identity_http" (list "gateway" "portal" "test") "gateway" (list "portal" "test") "portal" (list "identity_http")) .name }}
    {{- include "service.pods" (dict "root" $root "name" .) | nindent 4 }}
    {{- end }}
    {{- if .root.Values.ingress.enabled }}
    {{- toYaml .root.Values.ingress.controller | nindent 4 }}
    {{- end }}
    {{- with .root.Values.networkPolicy.clients }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if .facts.calledByPeers }}
    {{- range .root.Values.peers }}
    {{- if and .network (not .suspended) }}
    {{- toYaml .network | nindent 4 }}
    {{- end }}
    {{- end }}
    {{- end }}
  ports: [{port: 8443, protocol: TCP}]
{{- end }}
{{- end }}
