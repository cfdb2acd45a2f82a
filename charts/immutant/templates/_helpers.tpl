{{/* The labels of all objects of this chart. */}}
{{- define "immutant.labels" -}}
app.kubernetes.io/name: immutant-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The labels by which the operator's pods are selected. */}}
{{- define "immutant.selector" -}}
app.kubernetes.io/name: immutant-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* One of the four images: include "immutant.image" (list . "runtime") */}}
{{- define "immutant.image" -}}
{{- $root := index . 0 -}}
{{ $root.Values.images.registry }}/immutant-{{ index . 1 }}:{{ $root.Values.images.tag | default $root.Chart.AppVersion }}
{{- end }}

{{/* What is not of a namespace is named by it, so that two installations get on. */}}
{{- define "immutant.clusterName" -}}
immutant-operator-{{ .Release.Namespace }}
{{- end }}
