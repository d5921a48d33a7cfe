{{- define "kload.name" -}}
{{- default (printf "%s-operator" .Chart.Name) .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "kload.selector" -}}
app.kubernetes.io/name: kload-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "kload.labels" -}}
{{ include "kload.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "kload.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- /* Names of cluster-wide objects: two releases must not meet. */ -}}
{{- define "kload.clusterName" -}}
{{ printf "%s-%s" .Release.Namespace (include "kload.name" .) | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- /* Not empty where LoadTests of the whole cluster are watched: without names, or with a pattern among them. */ -}}
{{- define "kload.everywhere" -}}
{{- if or (not .Values.watchNamespaces) (regexMatch "[*?\\[]" (join "" .Values.watchNamespaces)) -}}true{{- end -}}
{{- end -}}

{{- /* What the operator does in a namespace whose LoadTests it runs: nothing that is not here. */ -}}
{{- define "kload.rules" -}}
- apiGroups: [kload.dev]
  resources: [loadtests]
  verbs: [get, list, watch]
- apiGroups: [kload.dev]
  resources: [loadtests/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, create, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [list, create]
{{- if eq .Values.runnerAccess "proxy" }}
- apiGroups: [""]
  resources: [pods/proxy]
  verbs: [get, create]
{{- end }}
{{- end -}}
