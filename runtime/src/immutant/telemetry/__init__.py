"""Traces by OpenTelemetry, for an application's process that is asked for them.

Belongs here: everything that knows of OpenTelemetry. Importing this package loads nothing of it;
`start` does, where the environment or the user's own code asks for traces. Not here: where in the
runtime work begins and ends (`immutant.tracing` is how that is told).
"""

from immutant.telemetry.starting import Identity, Telemetry, start

__all__ = ["Identity", "Telemetry", "start"]
