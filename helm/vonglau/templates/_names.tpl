{{- define "vonglau.name" -}}
{{- if contains "vonglau" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-vonglau" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- /* What each program is: files/services.yaml as a dictionary. */ -}}
{{- define "vonglau.programs" -}}
{{ .Files.Get "files/services.yaml" }}
{{- end }}

{{- define "vonglau.selector" -}}
app.kubernetes.io/name: vonglau
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* Every pod of the release, whatever it does. */ -}}
{{- define "vonglau.everything" -}}
app.kubernetes.io/name: vonglau
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "vonglau.labels" -}}
{{ include "vonglau.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: vonglau
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- /* reference: {repository, tag, digest}; root, for the version that an empty tag means. */ -}}
{{- define "vonglau.image" -}}
{{- with .reference }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.root.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{- /* Who records goes before who answers questions. */ -}}
{{- define "vonglau.priority" -}}
{{- $kind := ternary "recording" "control" (has .component (list "ingest" "recording")) -}}
{{- if .root.Values.priorityClasses.create }}{{ include "vonglau.name" .root }}-{{ .root.Release.Namespace }}-{{ $kind }}{{ else }}{{ index .root.Values.priorityClasses $kind }}{{ end }}
{{- end }}

{{- /* All addresses behind the name, balanced by the caller. */ -}}
{{- define "vonglau.address" -}}
dns:///{{ include "vonglau.name" .root }}-{{ .component }}.{{ .root.Release.Namespace }}.svc:7070
{{- end }}
