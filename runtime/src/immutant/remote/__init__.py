"""Apps in a cluster, as their users see them from a terminal.

Belongs here: what the command line and `git push` do with a cluster, by the rights that the user's
kubeconfig has. Not here: options and printing (`immutant.cli`), what runs in pods, the operator.
All speaking is kubectl's (`kubectl`): it knows every way to sign in that a kubeconfig can name.
"""
