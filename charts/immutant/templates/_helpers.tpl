{{/* What all objects of this chart have beside a name: include "immutant.metadata" . */}}
{{- define "immutant.metadata" -}}
{{- include "immutant.metadataWith" (list . dict dict) }}
{{- end }}

{{/* The same with labels and annotations for one object: they win over those for all, and the
     chart's own labels over both. include "immutant.metadataWith" (list . $labels $annotations) */}}
{{- define "immutant.metadataWith" -}}
{{- $root := index . 0 -}}
{{- $own := fromYaml (include "immutant.ownLabels" $root) -}}
labels:
  {{- toYaml (merge $own (index . 1) $root.Values.extraLabels) | nindent 2 }}
{{- with merge (dict) (index . 2) $root.Values.extraAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The chart's own labels, which win over all others. */}}
{{- define "immutant.ownLabels" -}}
{{ include "immutant.selector" . }}
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

{{/* The namespace that the test tries an app in. */}}
{{- define "immutant.testedNamespace" -}}
{{ .Values.watchNamespace | default .Release.Namespace }}
{{- end }}

{{/* What the test consists of is there while it runs, and stays when it failed: for its log. */}}
{{- define "immutant.testMetadata" -}}
{{- $own := dict "app.kubernetes.io/name" "immutant-operator-test" "app.kubernetes.io/instance" .Release.Name -}}
{{- $hook := dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" -}}
labels:
  {{- toYaml (merge $own .Values.extraLabels) | nindent 2 }}
annotations:
  {{- toYaml (merge $hook .Values.extraAnnotations) | nindent 2 }}
{{- end }}

{{/* How the operator is to have apps found by Prometheus; auto: it looks by itself, each minute. */}}
{{- define "immutant.monitoring.told" -}}
{{- $enabled := toString .Values.monitoring.enabled -}}
{{ ternary "monitors" (ternary "none" "auto" (eq $enabled "false")) (eq $enabled "true") }}
{{- end }}

{{/* How the operator's own pods are found: by what the cluster has when the chart is installed. */}}
{{- define "immutant.monitoring" -}}
{{- $told := include "immutant.monitoring.told" . -}}
{{- $found := ternary "monitors" "annotations" (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1") -}}
{{ ternary $found $told (eq $told "auto") }}
{{- end }}
