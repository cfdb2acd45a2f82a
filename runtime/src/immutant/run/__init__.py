"""`immutant run`: several replicas of an application on one machine, behind one web port.

Belongs here: the launcher's process: it starts, watches and stops the replicas' processes, routes
the web to them, merges their log and obeys the control commands. Not here: user code, which only
runs in the processes that it starts, and anything that a cluster does otherwise than through
those processes. Nothing outside this package and `immutant.cli` imports it.
"""
