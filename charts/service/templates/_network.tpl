{{/* Pods of this release by the name of their process. */}}
{{- define "service.pods" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ .name | replace "_" "-" }}
      app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* Names are looked up by everybody; nothing else is common to all. */}}
{{- define "service.dns" -}}
- to: {{- toYaml .root.Values.networkPolicy.dns | nindent 4 }}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}

{{/* Who reaches a process, and whom it reaches: its facts say which rules, the values which addresses. */}}
{{- define "service.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "service.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "service.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "service.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- $ingress := .ingress | default list }}
  {{- if and .facts.health .root.Values.networkPolicy.monitoring }}
  {{- $ingress = append $ingress (dict "from" .root.Values.networkPolicy.monitoring "ports" (list (dict "port" 8081 "protocol" "TCP"))) }}
  {{- end }}
  ingress: {{- toYaml $ingress | nindent 4 }}
  egress:
    {{- include "service.dns" . | nindent 4 }}
    {{- with .egress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with .values.extraEgress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
