{{- /* A pod of a program: metadata and spec. root, component, program, service; pool (its name) for ingest. */ -}}
{{- define "vonglau.pod" -}}
metadata:
  labels:
    {{- include "vonglau.selector" . | nindent 4 }}
    app.kubernetes.io/part-of: vonglau
    {{- with .pool }}
    vonglau.vn/pool: {{ . }}
    {{- end }}
  annotations:
    cluster-autoscaler.kubernetes.io/safe-to-evict: "true"
    {{- if has "pools" .program.uses }}
    vonglau.vn/pools: {{ include "vonglau.pools" .root | sha256sum }}
    {{- end }}
    {{- with .service.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- $kubernetes := has "kubernetes" .program.uses }}
  {{- if or (eq .program.kind "Deployment") .program.as }}
  serviceAccountName: {{ include "vonglau.name" .root }}-{{ .program.as | default .component }}
  {{- end }}
  automountServiceAccountToken: {{ $kubernetes }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .service.gracePeriodSeconds }}
  {{- /* A class of the release's own is not there yet when a job runs before the installation. */}}
  {{- if or (ne .program.kind "Job") (not .root.Values.priorityClasses.create) }}
  {{- with include "vonglau.priority" . }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- end }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- include "vonglau.podSecurity" . | nindent 2 }}
  {{- $pool := dict }}{{ with .pool }}{{ $pool = index $.root.Values.pools . }}{{ end }}
  {{- with merge (dict) ($pool.nodeSelector | default dict) (.service.nodeSelector | default dict) }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with concat ($pool.tolerations | default list) (.service.tolerations | default list) }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if ne .program.kind "Job" }}
  topologySpreadConstraints:
    {{- range $key, $unsatisfied := dict "topology.kubernetes.io/zone" .root.Values.topology.zone "kubernetes.io/hostname" .root.Values.topology.host }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ $unsatisfied }}
      labelSelector:
        matchLabels:
          {{- include "vonglau.selector" $ | nindent 10 }}
          {{- with $.pool }}
          vonglau.vn/pool: {{ . }}
          {{- end }}
    {{- end }}
  {{- end }}
  {{- $live := and .root.Values.development.liveCode (ne .program.kind "Job") }}
  {{- if $live }}
  initContainers:
    - name: code
      image: {{ include "vonglau.image" (dict "root" .root "reference" .root.Values.image) }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: [cp, -r, /opt/vonglau/app/., /code]
      {{- include "vonglau.containerSecurity" . | nindent 6 }}
      resources:
        {{- toYaml .service.resources | nindent 8 }}
      volumeMounts:
        - {name: code, mountPath: /code}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "vonglau.image" (dict "root" .root "reference" .root.Values.image) }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: [{{ .program.run }}]
      env:
        {{- include "vonglau.environment" . | trim | nindent 8 }}
      {{- include "vonglau.containerSecurity" . | nindent 6 }}
      resources:
        {{- toYaml .service.resources | nindent 8 }}
      {{- if ne .program.kind "Job" }}
      ports:
        {{- if .program.serves }}
        - {name: grpc, containerPort: 7070}
        {{- end }}
        - {name: health, containerPort: 7071}
      {{- if eq .program.health "grpc" }}
      {{- include "vonglau.probes" . | nindent 6 }}
      {{- else }}
      livenessProbe:
        httpGet: {path: {{ .program.health }}, port: health}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      {{- end }}
      lifecycle:
        preStop: {sleep: {seconds: 3}}
      {{- end }}
      volumeMounts:
        {{- include "vonglau.mounts" . | trim | nindent 8 }}
        {{- if $live }}
        - {name: code, mountPath: /opt/vonglau/app}
        {{- end }}
  volumes:
    {{- include "vonglau.volumes" . | trim | nindent 4 }}
    {{- if $live }}
    - name: code
      emptyDir: {sizeLimit: 256Mi}
    {{- end }}
{{- end }}

{{- /* Alive is who still takes connections: a pod is not killed because the log is away. Ready is who says so by grpc.health.v1. */ -}}
{{- define "vonglau.probes" -}}
startupProbe:
  tcpSocket: {port: health}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  tcpSocket: {port: health}
  periodSeconds: 10
  failureThreshold: 6
readinessProbe:
  grpc: {port: 7071}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}

{{- define "vonglau.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "vonglau.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* name, secret, and the keys that the program may see: the others of the same Secret are not mounted. A private authority's ca.crt may be among them. */ -}}
{{- define "vonglau.secretFiles" -}}
{{- range $name, $files := . }}
- name: {{ $name }}
  {{- if $files.keys }}
  projected:
    defaultMode: 0400
    sources:
      - secret:
          name: {{ $files.secret }}
          items:
            {{- range $files.keys }}
            - {key: {{ . }}, path: {{ . }}}
            {{- end }}
      - secret:
          name: {{ $files.secret }}
          optional: true
          items: [{key: ca.crt, path: ca.crt}]
  {{- else }}
  secret:
    secretName: {{ $files.secret }}
    defaultMode: 0400
    {{- with $files.items }}
    items:
      {{- range $key, $path := . }}
      - {key: {{ $key }}, path: {{ $path }}}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "vonglau.files" -}}
{{- $uses := .program.uses }}
{{- $secrets := .root.Values.secrets }}
{{- $files := dict }}
{{- /* Who serves checks tokens; who calls makes its own where there are no certificates. */}}
{{- $issues := and .program.calls (not .root.Values.tls.enabled) }}
{{- if has "identity" $uses }}
{{- $items := dict "jwks.json" "jwks.json" }}
{{- if $issues }}{{ $_ := set $items "issuer.key" "issuer.key" }}{{ end }}
{{- if or $issues .program.serves }}{{ $_ := set $files "identity" (dict "secret" $secrets.identity "items" $items) }}{{ end }}
{{- end }}
{{- if has "wrappingKey" $uses }}{{ $_ := set $files "wrapping-key" (dict "secret" $secrets.wrappingKey "items" (dict "secrets.key" "secrets.key")) }}{{ end }}
{{- /* Who signs compares the two halves at its start. */}}
{{- $halves := dict "archive.pub" "archive.pub" }}
{{- if has "archiveKey" $uses }}{{ $_ := set $halves "archive.key" "archive.key" }}{{ end }}
{{- if or (has "archiveKey" $uses) (has "archiveProof" $uses) }}{{ $_ := set $files "archive-key" (dict "secret" $secrets.archiveKey "items" $halves) }}{{ end }}
{{- if and (has "nats" $uses) $secrets.nats }}{{ $_ := set $files "nats" (dict "secret" $secrets.nats "keys" (list (printf "%s.nk" .component))) }}{{ end }}
{{- if and (has "documents" $uses) $secrets.documents }}
{{- $_ := set $files "documents" (dict "secret" $secrets.documents "keys" (list (printf "%s.username" .component) (printf "%s.password" .component))) }}
{{- end }}
{{- if has "footage" $uses }}
{{- $keys := list }}
{{- range .program.footage }}{{ $keys = concat $keys (list (printf "%s.access-key" .) (printf "%s.secret-key" .)) }}{{ end }}
{{- $_ := set $files "footage" (dict "secret" $secrets.footage "keys" $keys) }}
{{- end }}
{{- if .root.Values.tls.enabled }}{{ with index $secrets.tls (.program.as | default .component) }}{{ $_ := set $files "tls" (dict "secret" .) }}{{ end }}{{ end }}
{{- toYaml $files }}
{{- end }}

{{- define "vonglau.mounts" -}}
{{- range $name, $_ := include "vonglau.files" . | fromYaml }}
- {name: {{ $name }}, mountPath: /etc/vonglau/{{ $name }}, readOnly: true}
{{- end }}
- {name: run, mountPath: /run/vonglau}
- {name: tmp, mountPath: /tmp}
{{- if has "pools" .program.uses }}
- {name: pools, mountPath: /etc/vonglau/pools, readOnly: true}
{{- end }}
{{- if and (has "retentionRules" .program.uses) .root.Values.retentionRules }}
- {name: retention-rules, mountPath: /etc/vonglau/retention-rules, readOnly: true}
{{- end }}
{{- end }}

{{- /* The volume `spool` of an ingest pod, and its place, come from the operator. */ -}}
{{- define "vonglau.volumes" -}}
{{ include "vonglau.secretFiles" (include "vonglau.files" . | fromYaml) | trim }}
- name: run
  emptyDir: {sizeLimit: 64Mi}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- if has "pools" .program.uses }}
- name: pools
  configMap: {name: {{ include "vonglau.name" .root }}-pools}
{{- end }}
{{- if and (has "retentionRules" .program.uses) .root.Values.retentionRules }}
- name: retention-rules
  configMap:
    name: {{ .root.Values.retentionRules }}
    items: [{key: rules.json, path: rules.json}]
{{- end }}
{{- end }}
