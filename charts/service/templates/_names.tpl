{{/*
Names and labels. Every template here takes one dictionary:
  root       the chart's own context
  name       the process, as the bus knows it: case_routing
  facts      what the process is, whatever the values say (district.facts)
  values     its values: serviceDefaults with its own over them
*/}}

{{- define "service.fullname" -}}
{{ printf "%s-%s" .root.Release.Name (.name | replace "_" "-") | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .name | replace "_" "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "service.labels" -}}
{{ include "service.selector" . }}
app.kubernetes.io/part-of: tongban
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* No version among them: a chart that only says something else about itself restarts nobody. */}}
{{- define "service.podLabels" -}}
{{ include "service.selector" . }}
app.kubernetes.io/part-of: tongban
{{- end }}

{{/* One image: its own registry, tag and digest, else those of all. A digest wins over every tag. */}}
{{- define "service.image" -}}
{{- $all := .root.Values.image -}}
{{- $registry := .image.registry | default $all.registry -}}
{{- $path := .image.repository -}}
{{- if $registry }}{{ $path = printf "%s/%s" $registry $path }}{{ end -}}
{{- if .image.digest -}}
{{ printf "%s@%s" $path .image.digest }}
{{- else -}}
{{ printf "%s:%s" $path (.image.tag | default $all.tag | default .root.Chart.AppVersion) }}
{{- end -}}
{{- end }}

{{- define "service.pullPolicy" -}}
{{ .image.pullPolicy | default .root.Values.image.pullPolicy }}
{{- end }}

{{/* Lays `over` onto `base`, in place. Not mergeOverwrite: that takes an empty value, such as false, for one not given. */}}
{{- define "service.overlay" -}}
{{- $base := .base -}}
{{- range $key, $value := .over -}}
{{- if and (kindIs "map" $value) (kindIs "map" (index $base $key)) -}}
{{- include "service.overlay" (dict "base" (index $base $key) "over" $value) -}}
{{- else -}}
{{- $_ := set $base $key $value -}}
{{- end -}}
{{- end -}}
{{- end }}
