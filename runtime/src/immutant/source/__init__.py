"""The source of an application in a pod, before the application starts: fetched, and made ready.

Belongs here: what the containers `source` and `packages` do: an archive or a git commit becomes a
folder, and what that requires is installed beside it, once for each pod. Not here: who decides
which source it is (the operator), and running it (`immutant.serve`).
"""
