{{/*
An ordinary Job, not a hook. Its name ends with the digest of its own pod: a Job cannot be changed, so another image or
another command is another Job, and the same one is never run again.
  root, name, account   as ever        pod   what `service.jobPod` made
  component             what kind of Job it is, where several are asked about together
*/}}
{{- define "service.job" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ printf "%s-%s" (include "service.fullname" . | trunc 52) (.pod | sha256sum | trunc 10) }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "service.labels" . | nindent 4 }}
    {{- include "service.component" . | nindent 4 }}
spec:
  backoffLimit: {{ .root.Values.jobs.backoffLimit }}
  template: {{- .pod | nindent 4 }}
{{- end }}

{{/*
  image, args, secrets, composed, settings, files      the one container
*/}}
{{- define "service.jobPod" -}}
metadata:
  labels:
    {{- include "service.selector" . | nindent 4 }}
    {{- include "service.component" . | nindent 4 }}
  annotations:
    tongban/secrets-revision: {{ .root.Values.secretsRevision | quote }}
spec:
  restartPolicy: OnFailure
  {{- include "service.podBase" . | nindent 2 }}
  containers:
    - name: {{ .name | replace "_" "-" }}
      image: {{ include "service.image" (dict "root" .root "image" .image) }}
      imagePullPolicy: {{ include "service.pullPolicy" (dict "root" .root "image" .image) }}
      command: {{- toYaml .command | nindent 8 }}
      env:
        {{- range .secrets }}
        {{- include "service.secretVariable" . | nindent 8 }}
        {{- end }}
        {{- range $name, $value := .composed }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      securityContext: {{- include "service.containerSecurity" . | nindent 8 }}
      resources: {{- toYaml .root.Values.jobs.resources | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- range .files }}
        - name: {{ .name }}
          mountPath: {{ .path }}
          readOnly: true
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: 64Mi
    {{- range .files }}
    - name: {{ .name }}
      {{- if .configMap }}
      configMap:
        name: {{ .configMap }}
      {{- else }}
      secret:
        secretName: {{ .secret }}
        defaultMode: 0440
        {{- with .keys }}
        items:
          {{- range . }}
          - key: {{ . }}
            path: {{ . }}
          {{- end }}
        {{- end }}
      {{- end }}
    {{- end }}
{{- end }}

{{- define "service.component" -}}
{{- with .component -}}
app.kubernetes.io/component: {{ . }}
{{- end -}}
{{- end }}
