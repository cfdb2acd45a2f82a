"""What operator, sidecar, member and application agree on.

Belongs here: names, environment variables and rules that two of them must know. The operator
imports nothing else of this distribution but its errors. Not here: anything that only one of them
knows.
"""
