{{- /* What a program is told. root, component, program (of files/services.yaml), service (its values). The operator adds what is a pod's own. */ -}}
{{- define "vonglau.environment" -}}
{{- $uses := .program.uses }}
{{- $told := dict
  "VONGLAU_TENANT" .root.Values.tenant
  "VONGLAU_LOG_FORMAT" .root.Values.log.format
  "VONGLAU_LOG_LEVEL" .root.Values.log.level
  "VONGLAU_RUN_DIR" "/run/vonglau"
  "VONGLAU_GRACE_S" (include "vonglau.grace" .service)
  "VONGLAU_ALLOWED_HOSTS" (join "," .root.Values.residency.allowedHosts)
}}
{{- if .program.serves }}
{{- $_ := set $told "VONGLAU_LISTEN" "0.0.0.0:7070" }}
{{- end }}
{{- with .program.health }}{{ $_ := set $told "VONGLAU_HEALTH_LISTEN" "0.0.0.0:7071" }}{{ end }}
{{- with .root.Values.platformAdmins }}{{ $_ := set $told "VONGLAU_PLATFORM_ADMINS" (join "," .) }}{{ end }}
{{- range .program.calls }}{{ $_ := set $told (printf "VONGLAU_%s_ADDRESS" (upper .)) (include "vonglau.address" (dict "root" $.root "component" .)) }}{{ end }}
{{- if .root.Values.tls.enabled }}{{ $_ := set $told "VONGLAU_TLS_DIR" "/etc/vonglau/tls" }}{{ end }}
{{- if has "identity" $uses }}{{ $_ := set $told "VONGLAU_IDENTITY_DIR" "/etc/vonglau/identity" }}{{ end }}
{{- if has "wrappingKey" $uses }}{{ $_ := set $told "VONGLAU_SECRETS_KEY_FILE" "/etc/vonglau/wrapping-key/secrets.key" }}{{ end }}
{{- if has "archiveKey" $uses }}{{ $_ := set $told "VONGLAU_ARCHIVE_KEY_FILE" "/etc/vonglau/archive-key/archive.key" }}{{ end }}
{{- if has "archiveProof" $uses }}{{ $_ := set $told "VONGLAU_ARCHIVE_PUBLIC_KEY_FILE" "/etc/vonglau/archive-key/archive.pub" }}{{ end }}
{{- if has "nats" $uses }}
{{- $_ := set $told "VONGLAU_NATS_URL" (join "," .root.Values.nats.urls) }}
{{- if .root.Values.secrets.nats }}{{ $_ := set $told "VONGLAU_NATS_SEED_FILE" (printf "/etc/vonglau/nats/%s.nk" .component) }}{{ end }}
{{- if .root.Values.nats.privateAuthority }}{{ $_ := set $told "VONGLAU_NATS_CA_FILE" "/etc/vonglau/nats/ca.crt" }}{{ end }}
{{- if eq .program.kind "Job" }}{{ $_ := set $told "VONGLAU_STREAM_REPLICAS" .root.Values.nats.replicas }}
{{- $_ := set $told "VONGLAU_STREAMS_GB" .root.Values.nats.streamsGB }}
{{- with .root.Values.nats.tags }}{{ $_ := set $told "VONGLAU_STREAM_TAGS" (join "," .) }}{{ end }}
{{- else }}{{ $_ := set $told "VONGLAU_STREAMS" "expect" }}{{ end }}
{{- end }}
{{- if has "documents" $uses }}
{{- $_ := set $told "VONGLAU_DOCUMENTS" .root.Values.documents.url }}
{{- if .root.Values.secrets.documents }}{{ $_ := set $told "VONGLAU_DOCUMENTS_CREDENTIALS" "/etc/vonglau/documents" }}{{ end }}
{{- end }}
{{- if has "footage" $uses }}
{{- $_ := set $told "VONGLAU_FOOTAGE" (printf "s3+%s" .root.Values.footage.url) }}
{{- $_ := set $told "VONGLAU_FOOTAGE_CREDENTIALS" "/etc/vonglau/footage" }}
{{- with .root.Values.footage.sessions }}{{ $_ := set $told "VONGLAU_FOOTAGE_SESSIONS" . }}{{ end }}
{{- with .root.Values.footage.region }}{{ $_ := set $told "VONGLAU_FOOTAGE_REGION" . }}{{ end }}
{{- with .root.Values.footage.prefix }}{{ $_ := set $told "VONGLAU_FOOTAGE_PREFIX" . }}{{ end }}
{{- end }}
{{- if and (has "retentionRules" $uses) .root.Values.retentionRules }}{{ $_ := set $told "VONGLAU_RETENTION_RULES" "/etc/vonglau/retention-rules/rules.json" }}{{ end }}
{{- if has "kubernetes" $uses }}
{{- $_ := set $told "VONGLAU_NAMESPACE" .root.Release.Namespace }}
{{- $_ := set $told "VONGLAU_RELEASE" .root.Release.Name }}
{{- end }}
{{- if has "pools" $uses }}{{ $_ := set $told "VONGLAU_POOLS_FILE" "/etc/vonglau/pools/pools.yaml" }}{{ end }}
{{- if eq .component "uninstall" }}{{ $_ := set $told "VONGLAU_UNINSTALL_WITHIN_S" .root.Values.uninstall.withinSeconds }}{{ end }}
{{- range $name, $value := merge (dict) (.service.settings | default dict) $told }}
- {name: {{ $name }}, value: {{ include "vonglau.asText" $value | quote }}}
{{- end }}
{{- if and (has "telemetry" $uses) .root.Values.telemetry.endpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .root.Values.telemetry.endpoint | quote }}}
- {name: OTEL_METRIC_EXPORT_INTERVAL, value: "15000"}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- {name: OTEL_RESOURCE_ATTRIBUTES, value: "k8s.namespace.name={{ .root.Release.Namespace }},k8s.pod.name=$(POD_NAME),service.instance.id=$(POD_NAME)"}
{{- if .root.Values.telemetry.headersSecret }}
{{ include "vonglau.fromSecret" (dict "name" "OTEL_EXPORTER_OTLP_HEADERS" "secret" .root.Values.telemetry.headersSecret "key" "headers") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "vonglau.fromSecret" -}}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ .secret }}, key: {{ .key }}}}
{{- end }}

{{- /* Numbers as people write them: no 1e+06. */ -}}
{{- define "vonglau.asText" -}}
{{- if kindIs "float64" . }}{{ if eq . (floor .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- /* s for open calls: what is left of the pod's period after it was taken out of its Service and before the kill. */ -}}
{{- define "vonglau.grace" -}}
{{ sub (int .gracePeriodSeconds) 6 }}
{{- end }}

{{- /* Bytes: nine tenths of the volume; the rest is for the file system and what waits for it. */ -}}
{{- define "vonglau.spoolLimit" -}}
{{- $gib := ternary (mul (atoi (trimSuffix "Ti" .)) 1024) (atoi (trimSuffix "Gi" .)) (hasSuffix "Ti" .) -}}
{{ div (mul $gib 1073741824 9) 10 }}
{{- end }}
