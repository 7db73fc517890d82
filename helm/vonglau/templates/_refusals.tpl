{{- /* What a schema cannot say: rules between values. Each is refused with the path of the value that is wrong. */ -}}
{{- define "vonglau.refusals" -}}
{{- $root := . }}
{{- with .Values }}
{{- range $at, $url := .nats.urls }}{{ include "vonglau.resident" (dict "root" $root "path" (printf "nats.urls[%d]" $at) "url" $url) }}{{ end }}
{{- include "vonglau.resident" (dict "root" $root "path" "documents.url" "url" .documents.url) }}
{{- include "vonglau.resident" (dict "root" $root "path" "footage.url" "url" .footage.url) }}
{{- with .telemetry.endpoint }}{{ include "vonglau.resident" (dict "root" $root "path" "telemetry.endpoint" "url" .) }}{{ end }}
{{- $selectors := dict }}
{{- range $name, $pool := .pools }}
{{- if gt (int $pool.minPods) (int $pool.maxPods) }}
{{- fail (printf "pools.%s.minPods: %d pods at least are more than maxPods, %d" $name (int $pool.minPods) (int $pool.maxPods)) }}
{{- end }}
{{- $selector := toJson (dict "owners" (sortAlpha ($pool.selector.owners | default list)) "sites" (sortAlpha ($pool.selector.sites | default list)) "zones" (sortAlpha ($pool.selector.zones | default list))) }}
{{- if hasKey $selectors $selector }}
{{- fail (printf "pools.%s.selector: it selects the same cameras as pools.%s" $name (get $selectors $selector)) }}
{{- end }}
{{- $_ := set $selectors $selector $name }}
{{- end }}
{{- range $name, $service := .services }}
{{- if and (hasKey $service "replicas") (eq $root.Values.topology.host "DoNotSchedule") (gt (int $service.replicas) 20) }}
{{- fail (printf "services.%s.replicas: %d pods that may not share a host; topology.host is DoNotSchedule" $name (int $service.replicas)) }}
{{- end }}
{{- if gt (int (index $service.settings "VONGLAU_LEASE_TTL_S" | default 0)) (int $service.gracePeriodSeconds) }}
{{- fail (printf "services.%s.settings.VONGLAU_LEASE_TTL_S: longer than gracePeriodSeconds, so that a replaced pod would leave its work undone" $name) }}
{{- end }}
{{- end }}
{{- /* Who is not told works by the default, that of services/recording/settings.py. */}}
{{- range $name, $default := dict "VONGLAU_ARCHIVE_EVERY_S" 900 "VONGLAU_ARCHIVE_GRACE_S" 7200 }}
{{- $known := list }}
{{- range list "retention" "recording" }}
{{- $settings := (index $root.Values.services .).settings | default dict }}
{{- $known = append $known (ternary (get $settings $name) $default (hasKey $settings $name) | float64) }}
{{- end }}
{{- if ne (first $known) (last $known) }}
{{- fail (printf "services.recording.settings.%s: not what services.retention is told, so recording would miss archives that are not due yet, or not miss those that are" $name) }}
{{- end }}
{{- end }}
{{- if and .tests.enabled (not (has .tests.person .platformAdmins)) }}
{{- fail (printf "tests.person: %s registers an owner, so it has to be one of platformAdmins" .tests.person) }}
{{- end }}
{{- if and .development.liveCode .tls.enabled }}
{{- fail "development.liveCode: code that can be changed in its pod does not go with tls.enabled, which is for production" }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The hosts of a URL, or of several behind one scheme, are on the list of those where data may lie. */ -}}
{{- define "vonglau.resident" -}}
{{- $authority := regexReplaceAll "^[a-z+]+://([^/?]*).*$" .url "${1}" }}
{{- range splitList "," $authority }}
{{- $host := regexReplaceAll ":[0-9]+$" . "" | lower }}
{{- $allowed := false }}
{{- range $.root.Values.residency.allowedHosts }}
{{- if or (eq (lower .) $host) (and (hasPrefix "*." .) (hasSuffix (lower (trimPrefix "*" .)) $host)) }}{{ $allowed = true }}{{ end }}
{{- end }}
{{- if not $allowed }}
{{- fail (printf "%s: %s is not among residency.allowedHosts, so nothing may be kept or sent there" $.path $host) }}
{{- end }}
{{- end }}
{{- end }}
