{{/* What a district's parts are, whatever the values say: the same settings that the local runtime gives its processes. */}}

{{/* The values of one process: its own over serviceDefaults. dict root name */}}
{{- define "district.values" -}}
{{- $values := deepCopy .root.Values.serviceDefaults -}}
{{- include "service.overlay" (dict "base" $values "over" (index .root.Values.services .name)) -}}
{{ toYaml $values }}
{{- end }}

{{/* The Secret that holds one thing: the one that the values name, else <release>-<thing>. */}}
{{- define "district.secret" -}}
{{- $found := index .root.Values.secrets .name -}}
{{ $found.existingSecret | default (printf "%s-%s" .root.Release.Name (.name | kebabcase)) }}
{{- end }}

{{/* The Secret of one certificate. */}}
{{- define "district.tlsSecret" -}}
{{- $found := index .root.Values.tls .name -}}
{{ $found.existingSecret | default (printf "%s-%s-tls" .root.Release.Name (.name | kebabcase)) }}
{{- end }}

{{/* The https URL that stands in `iss`. */}}
{{- define "district.issuer" -}}
{{ .Values.public.issuer | default (printf "https://%s-identity-http.%s.svc" .Release.Name .Release.Namespace) }}
{{- end }}

{{/* The relying parties that are no peers, as the file that identity's web process reads. */}}
{{- define "district.relyingParties" -}}
{{ .Values.relyingParties | toPrettyJson }}
{{- end }}

{{/* Where people reach the API. */}}
{{- define "district.gateway" -}}
{{ .Values.public.gateway | default (printf "https://%s-gateway.%s.svc" .Release.Name .Release.Namespace) }}
{{- end }}

{{/* Where people reach the web pages. */}}
{{- define "district.portal" -}}
{{ .Values.public.portal | default (printf "https://%s-portal.%s.svc" .Release.Name .Release.Namespace) }}
{{- end }}

{{/* Broker and database as a process sees them: scheme, host and port, what follows the path, and files. */}}
{{- define "district.engines" -}}
broker:
  {{- if eq .Values.broker.mode "embedded" }}
  scheme: amqp
  address: {{ printf "%s-broker:5672" .Release.Name }}
  query: ""
  inbox: {{ printf "%s-broker:5671" .Release.Name }}
  port: 5672
  inboxPort: 5671
  {{- else }}
  {{- $external := .Values.broker.external }}
  scheme: {{ ternary "amqps" "amqp" $external.tls }}
  address: {{ printf "%s:%d" $external.host (int $external.port) }}
  query: {{ ternary "?cacertfile=/run/tongban/broker/ca.crt" "" (and $external.tls (ne $external.authority.existingSecret "")) | quote }}
  inbox: {{ printf "%s:%d" ($external.courierHost | default $external.host) (int $external.courierPort) }}
  port: {{ int $external.port }}
  inboxPort: {{ int $external.courierPort }}
  {{- with and $external.tls $external.authority.existingSecret }}
  files:
    - {name: broker-authority, secret: {{ . }}, keys: [ca.crt], path: /run/tongban/broker}
  {{- end }}
  {{- end }}
database:
  {{- if eq .Values.database.mode "embedded" }}
  address: {{ printf "%s-database:5432" .Release.Name }}
  query: ""
  port: 5432
  {{- else }}
  {{- $external := .Values.database.external }}
  address: {{ printf "%s:%d" $external.host (int $external.port) }}
  query: {{ printf "?sslmode=%s%s" $external.sslMode (ternary "&sslrootcert=/run/tongban/database/ca.crt" "" (ne $external.authority.existingSecret "")) | quote }}
  port: {{ int $external.port }}
  {{- with $external.authority.existingSecret }}
  files:
    - {name: database-authority, secret: {{ . }}, keys: [ca.crt], path: /run/tongban/database}
  {{- end }}
  {{- end }}
{{- end }}

{{/* The services on the bus: those that answer calls or handle messages (bus.yaml). */}}
{{- define "district.servers" -}}
[catalogue, identity, case_routing, terminal_fleet, hotline, notification, courier]
{{- end }}

{{/* Everything that has a database of its own: those, and what stands beside the bus (tongban_database.roles). */}}
{{- define "district.owners" -}}
{{ append (include "district.servers" . | fromYamlArray) "portal" | toYaml }}
{{- end }}

{{/* Whose tables hold sealed values (SEALED in a service's adapters/tables.py): a Job each seals them anew when `reseal` is told. */}}
{{- define "district.sealers" -}}
{{ if .Values.reseal }}[identity, case_routing, hotline, portal]{{ else }}[]{{ end }}
{{- end }}

{{/* A database URL: dict root engines role service. */}}
{{- define "district.databaseUrl" -}}
{{ printf "postgresql+psycopg2://%s_%s:$(DATABASE_PASSWORD)@%s/%s%s" .service .role .engines.database.address .service .engines.database.query }}
{{- end }}

{{/*
Everything about the processes, by name:
  module    what `python -m` runs         single    never twice at once
  https     whether it serves people      reaches   names of rules in district.egress
  settings, secrets, composed, files      what it is told (service.environment)
  schema    whose tables it waits for
*/}}
{{- define "district.facts" -}}
{{- $root := . -}}
{{- $engines := include "district.engines" . | fromYaml -}}
{{- $brokerSecret := include "district.secret" (dict "root" . "name" "broker") -}}
{{- $databaseSecret := include "district.secret" (dict "root" . "name" "database") -}}
{{- $fieldKeys := include "district.secret" (dict "root" . "name" "fieldKeys") -}}
{{- $facts := dict -}}
{{- $common := dict "DISTRICT" .Values.district.code "HEALTH_ADDRESS" "0.0.0.0:8081" -}}
{{- with .Values.telemetry.otlpEndpoint }}{{ $_ := set $common "OTLP_ENDPOINT" . }}{{ end -}}
{{- $brokerFiles := $engines.broker.files | default list -}}
{{- $databaseFiles := $engines.database.files | default list -}}
{{- $edgeKeys := dict "name" "edge-keys" "secret" (include "district.secret" (dict "root" . "name" "edgeKeys")) "keys" (list "edge.jwks") "path" "/run/tongban/edge-keys" -}}
{{- $edgeTls := dict "name" "tls" "secret" (include "district.tlsSecret" (dict "root" . "name" "edge")) "keys" (list "tls.crt" "tls.key") "path" "/run/tongban/tls" -}}
{{- $served := dict "LISTEN_ADDRESS" "0.0.0.0:8443" "TLS_CERTIFICATE" "/run/tongban/tls/tls.crt" "TLS_KEY" "/run/tongban/tls/tls.key" "ISSUER" (include "district.issuer" .) -}}
{{- $behind := dict -}}
{{- if .Values.ingress.enabled }}{{ $_ := set $behind "TRUSTED_PROXIES" (join "," .Values.ingress.trustedProxies) }}{{ end -}}
{{- range $name := include "district.servers" . | fromYamlArray -}}
  {{- $drain := (include "district.values" (dict "root" $root "name" $name) | fromYaml).drainSeconds -}}
  {{- $settings := merge (dict "SERVICE_NAME" $name "EDGE_KEYS" "/run/tongban/edge-keys/edge.jwks" "TRIAL" "false" "DRAIN_S" (printf "%d" (int $drain))) $common -}}
  {{- $passwords := list
      (dict "name" "BROKER_PASSWORD" "secret" $brokerSecret "key" $name)
      (dict "name" "DATABASE_PASSWORD" "secret" $databaseSecret "key" (printf "%s_app" $name))
      (dict "name" "TONGBAN_FIELD_KEY" "secret" $fieldKeys "key" $name)
      (dict "name" "TONGBAN_TRANSIT_KEY" "secret" $fieldKeys "key" "transit") -}}
  {{- $composed := dict
      "TONGBAN_AMQP_URL" (printf "%s://%s:$(BROKER_PASSWORD)@%s/district%s" $engines.broker.scheme $name $engines.broker.address $engines.broker.query)
      "TONGBAN_DATABASE_URL" (include "district.databaseUrl" (dict "engines" $engines "role" "app" "service" $name)) -}}
  {{- $_ := set $facts $name (dict
      "module" $name "health" true "settings" $settings "secrets" $passwords "composed" $composed
      "files" (concat (list $edgeKeys) $brokerFiles $databaseFiles) "reaches" (list "broker" "database" "collector")) -}}
{{- end -}}
{{/* The tables a process waits for: asked with its own rights, by the image that holds the migrations. */}}
{{- range $name := include "district.servers" . | fromYamlArray -}}
  {{- $_ := set (index $facts $name) "schema" (include "district.schema" (dict "root" $root "engines" $engines "service" $name "secret" $databaseSecret "files" $databaseFiles) | fromYaml) -}}
{{- end -}}
{{- $notification := $facts.notification -}}
{{- $mail := .Values.mail -}}
{{- $_ := merge $notification.settings (dict
    "SMTP_HOST" $mail.host "SMTP_PORT" (printf "%d" (int $mail.port)) "SMTP_STARTTLS" $mail.startTls "MAIL_FROM" $mail.from
    "PORTAL_URL" ($mail.portalUrl | default (include "district.portal" .))) -}}
{{- if $mail.user -}}
  {{- $_ := set $notification.settings "SMTP_USER" $mail.user -}}
  {{- $_ := set $notification "secrets" (append $notification.secrets (dict "name" "TONGBAN_SMTP_PASSWORD" "secret" (include "district.secret" (dict "root" . "name" "mail")) "key" "password")) -}}
{{- end -}}
{{- $_ := set $notification "reaches" (append $notification.reaches "mail") -}}
{{- $courier := $facts.courier -}}
{{- $local := "/run/tongban/courier-local" -}}
{{- $_ := merge $courier.settings (dict
    "COURIER_KEYS" "/run/tongban/courier/courier.jwks" "COURIER_ROOT" "/run/tongban/courier/root.jwk"
    "COURIER_INBOX_URL" (printf "amqps://%s/courier?cacertfile=%s/ca.crt&certfile=%s/tls.crt&keyfile=%s/tls.key" $engines.broker.inbox $local $local $local)
    "COURIER_CERTIFICATE" "/run/tongban/courier-client/tls.crt" "COURIER_CERTIFICATE_KEY" "/run/tongban/courier-client/tls.key") -}}
{{- $_ := set $courier "files" (concat $courier.files (list
    (dict "name" "courier" "secret" (include "district.secret" (dict "root" . "name" "courierKeys")) "keys" (list "courier.jwks" "root.jwk") "path" "/run/tongban/courier")
    (dict "name" "courier-local" "secret" (include "district.tlsSecret" (dict "root" . "name" "courierLocal")) "keys" (list "ca.crt" "tls.crt" "tls.key") "path" $local)
    (dict "name" "courier-client" "secret" (include "district.tlsSecret" (dict "root" . "name" "courierClient")) "keys" (list "tls.crt" "tls.key") "path" "/run/tongban/courier-client"))) -}}
{{- $identity := $facts.identity -}}
{{- $pairwise := dict "name" "TONGBAN_PAIRWISE_KEY" "secret" $fieldKeys "key" "pairwise" "optional" true -}}
{{- $_ := set $identity "secrets" (append $identity.secrets $pairwise) -}}
{{- $_ := merge $identity.settings (dict "ALLIANCE_ROOT" "/run/tongban/alliance/root.jwk") -}}
{{- $_ := set $identity "files" (append $identity.files
    (dict "name" "alliance" "secret" (include "district.secret" (dict "root" . "name" "courierKeys")) "keys" (list "root.jwk") "path" "/run/tongban/alliance")) -}}
{{- $_ := set $courier "single" true -}}
{{- $_ := set $courier "reaches" (concat $courier.reaches (list "inbox" "peers")) -}}
{{- $authority := .Values.tls.authority -}}
{{- $authorityFile := "/etc/ssl/certs/ca-certificates.crt" -}}
{{- $authorityFiles := list -}}
{{- if not $authority.systemBundle -}}
  {{- $authorityFile = "/run/tongban/authority/ca.crt" -}}
  {{- $authorityFiles = list (dict "name" "authority" "secret" ($authority.existingSecret | default (include "district.tlsSecret" (dict "root" . "name" "edge"))) "keys" (list "ca.crt") "path" "/run/tongban/authority") -}}
{{- end -}}
{{- $parties := include "district.relyingParties" . -}}
{{- $portalKeys := include "district.secret" (dict "root" . "name" "portalKeys") -}}
{{- $_ := set $facts "identity_http" (dict
    "module" "identity.http" "health" true "https" true "calledByPeers" true "schema" $facts.identity.schema "restartsWith" $parties
    "settings" (merge (dict "SERVICE_NAME" "identity" "SIGNING_KEYS" "/run/tongban/identity/identity.jwk" "CA_FILE" $authorityFile "RELYING_PARTIES" "/run/tongban/parties/parties.json,/run/tongban/portal-party/relying-parties.json" "PROOFING" .Values.proofing.source) $behind $served $common)
    "secrets" (list (dict "name" "DATABASE_PASSWORD" "secret" $databaseSecret "key" "identity_app") (dict "name" "TONGBAN_FIELD_KEY" "secret" $fieldKeys "key" "identity") $pairwise)
    "composed" (dict "TONGBAN_DATABASE_URL" (include "district.databaseUrl" (dict "engines" $engines "role" "app" "service" "identity")))
    "files" (concat (list $edgeTls (dict "name" "identity" "secret" (include "district.secret" (dict "root" . "name" "identityKeys")) "keys" (list "identity.jwk") "path" "/run/tongban/identity") (dict "name" "parties" "configMap" (printf "%s-relying-parties" .Release.Name) "keys" (list "parties.json") "path" "/run/tongban/parties") (dict "name" "portal-party" "secret" $portalKeys "keys" (list "relying-parties.json") "path" "/run/tongban/portal-party")) $authorityFiles $databaseFiles)
    "reaches" (list "database" "portal" "parties" "peerIssuers" "collector")) -}}
{{- $gateway := merge (dict "SERVICE_NAME" "gateway" "EDGE_KEY" "/run/tongban/edge-key/edge.jwk" "CA_FILE" $authorityFile) $behind $served $common -}}
{{- $gatewayFiles := list $edgeTls (dict "name" "edge-key" "secret" (include "district.secret" (dict "root" . "name" "edgeKey")) "keys" (list "edge.jwk") "path" "/run/tongban/edge-key") -}}
{{- $gatewayFiles = concat $gatewayFiles $authorityFiles -}}
{{- $gatewaySecrets := list (dict "name" "BROKER_PASSWORD" "secret" $brokerSecret "key" "gateway") -}}
{{- if .Values.telemetry.traceSource.url -}}
  {{- $_ := set $gateway "TRACE_SOURCE_URL" .Values.telemetry.traceSource.url -}}
  {{- $gatewaySecrets = append $gatewaySecrets (dict "name" "TONGBAN_TRACE_SOURCE_TOKEN" "secret" (include "district.secret" (dict "root" . "name" "traceSource")) "key" "token") -}}
{{- end -}}
{{- $_ := set $facts "gateway" (dict
    "module" "gateway" "health" true "https" true "settings" $gateway "secrets" $gatewaySecrets
    "composed" (dict "TONGBAN_AMQP_URL" (printf "%s://gateway:$(BROKER_PASSWORD)@%s/district%s" $engines.broker.scheme $engines.broker.address $engines.broker.query))
    "files" (concat $gatewayFiles $brokerFiles) "reaches" (list "broker" "issuer" "collector" "traceSource")) -}}
{{- $_ := set $facts "portal" (dict
    "module" "portal" "health" true "https" true
    "schema" (include "district.schema" (dict "root" . "engines" $engines "service" "portal" "secret" $databaseSecret "files" $databaseFiles) | fromYaml)
    "settings" (merge (dict "SERVICE_NAME" "portal" "PORTAL_KEY" "/run/tongban/portal/portal.jwk" "PORTAL_URL" (include "district.portal" .)
      "GATEWAY_URL" (include "district.gateway" .) "DISTRICTS" "/run/tongban/districts/districts.json" "CA_FILE" $authorityFile) $served $common)
    "secrets" (list (dict "name" "DATABASE_PASSWORD" "secret" $databaseSecret "key" "portal_app") (dict "name" "TONGBAN_FIELD_KEY" "secret" $fieldKeys "key" "portal"))
    "composed" (dict "TONGBAN_DATABASE_URL" (include "district.databaseUrl" (dict "engines" $engines "role" "app" "service" "portal")))
    "files" (concat (list $edgeTls
      (dict "name" "portal" "secret" $portalKeys "keys" (list "portal.jwk") "path" "/run/tongban/portal")
      (dict "name" "districts" "configMap" (printf "%s-districts" .Release.Name) "keys" (list "districts.json") "path" "/run/tongban/districts")) $authorityFiles $databaseFiles)
    "reaches" (list "database" "gateway" "issuer" "collector")) -}}
{{ toYaml $facts }}
{{- end }}

{{- define "district.schema" -}}
module: {{ .service }}
secrets:
  - {name: DATABASE_PASSWORD, secret: {{ .secret }}, key: {{ .service }}_app}
composed:
  TONGBAN_DATABASE_URL: {{ include "district.databaseUrl" (dict "engines" .engines "role" "app" "service" .service) | quote }}
{{- with .files }}
files: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
