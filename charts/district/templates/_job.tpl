{{/* A Job with the account and the policy that it needs: what `service.jobPod` takes, engines, and reaches or egress. */}}
{{- define "district.job" -}}
{{- $of := merge (dict "values" (dict "serviceAccountAnnotations" dict "extraEgress" list) "facts" dict "account" (include "service.fullname" .)) . }}
{{- $egress := .egress | default (include "district.egress" (dict "root" .root "engines" .engines "names" .reaches) | fromYamlArray) }}
---
{{ include "service.account" $of }}
{{- if .root.Values.networkPolicy.enabled }}
---
{{ include "service.networkPolicy" (merge (dict "egress" $egress "ingress" list) $of) }}
{{- end }}
---
{{ include "service.job" (merge (dict "pod" (include "service.jobPod" $of)) $of) }}
{{- end }}
