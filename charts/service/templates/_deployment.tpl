{{/*
A process. Liveness asks nobody but the process; readiness asks whether it can work; startup gives it time to begin.
At its end: out of the endpoints first (preStop), then it drains, then it sends what is left; the grace is longer than
the three together (chassis.runner.serving: 5 s each for a stop, the relay and the caller, 2 s for spans).
*/}}
{{- define "service.deployment" -}}
{{- $full := include "service.fullname" . -}}
{{- $values := .values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $full }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "service.labels" . | nindent 4 }}
spec:
  {{- if not $values.autoscaling.enabled }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  {{- if .facts.single }}
  strategy:
    type: Recreate
  {{- else }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  {{- end }}
  selector:
    matchLabels: {{- include "service.selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "service.podLabels" . | nindent 8 }}
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .name | replace "_" "-" }}
        checksum/config: {{ printf "%s%s" (include "service.settings" .) (.facts.restartsWith | default "") | sha256sum }}
        tongban/secrets-revision: {{ .root.Values.secretsRevision | quote }}
        {{- with $values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "service.podBase" (merge (dict "account" $full) .) | nindent 6 }}
      terminationGracePeriodSeconds: {{ add $values.preStopSeconds $values.drainSeconds 20 }}
      {{- include "service.placement" . | nindent 6 }}
      {{- with .facts.schema }}
      initContainers:
        - name: await-schema
          image: {{ include "service.image" (dict "root" $.root "image" $.image) }}
          imagePullPolicy: {{ include "service.pullPolicy" (dict "root" $.root "image" $.image) }}
          command: [python, -m, {{ .module }}, await-schema, --timeout, "600"]
          env:
            {{- range .secrets }}
            {{- include "service.secretVariable" . | nindent 12 }}
            {{- end }}
            {{- range $name, $value := .composed }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
          securityContext: {{- include "service.containerSecurity" $ | nindent 12 }}
          resources: {{- toYaml $.root.Values.jobs.resources | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            {{- range .files }}
            - name: {{ .name }}
              mountPath: {{ .path }}
              readOnly: true
            {{- end }}
      {{- end }}
      containers:
        - name: {{ .name | replace "_" "-" }}
          image: {{ include "service.image" (dict "root" .root "image" $values.image) }}
          imagePullPolicy: {{ include "service.pullPolicy" (dict "root" .root "image" $values.image) }}
          command: [python, -m, {{ .facts.module }}]
          envFrom:
            - configMapRef:
                name: {{ $full }}
          env: {{- include "service.environment" . | nindent 12 }}
          ports:
            - name: health
              containerPort: 8081
            {{- if .facts.https }}
            - name: https
              containerPort: 8443
            {{- end }}
          startupProbe:
            httpGet: {path: /livez, port: health}
            periodSeconds: 2
            failureThreshold: {{ div $values.startupSeconds 2 }}
          livenessProbe:
            httpGet: {path: /livez, port: health}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: {path: /readyz, port: health}
            periodSeconds: 5
            timeoutSeconds: 4
            failureThreshold: 2
          lifecycle:
            preStop:
              exec:
                command: [sleep, {{ $values.preStopSeconds | quote }}]
          securityContext: {{- include "service.containerSecurity" . | nindent 12 }}
          resources: {{- toYaml $values.resources | nindent 12 }}
          volumeMounts: {{- include "service.mounts" . | nindent 12 }}
      volumes: {{- include "service.volumes" . | nindent 8 }}
{{- end }}

{{/* What it is told that is no secret; a change restarts it (checksum/config). */}}
{{- define "service.settings" -}}
{{- range $name, $value := merge (dict) .values.settings .facts.settings }}
TONGBAN_{{ $name }}: {{ $value | quote }}
{{- end }}
EVENTLET_NO_GREENDNS: "yes"
{{- end }}

{{- define "service.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "service.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "service.labels" . | nindent 4 }}
data: {{- include "service.settings" . | nindent 2 }}
{{- end }}

{{/* No rights at all in the cluster, and no token to use them with. */}}
{{- define "service.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "service.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "service.labels" . | nindent 4 }}
  {{- with .values.serviceAccountAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}

{{- define "service.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "service.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "service.labels" . | nindent 4 }}
spec:
  type: ClusterIP
  selector: {{- include "service.selector" . | nindent 4 }}
  ports:
    - name: https
      port: 443
      targetPort: https
      appProtocol: https
{{- end }}
