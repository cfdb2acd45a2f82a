"""The Grafana dashboards and the alert rules: one source for the chart's files and for the tests.

`boards` says what is shown and `alerts` when somebody is called, both as plain records; `drawing`
makes dashboards of them by Grafana's own library, `files` the files. `make dashboards` writes them.
Not here: the metrics, which docs/cluster.md lists.
"""
