"""How long the faults go on, and from which seed: IMMUTANT_TRIALS, IMMUTANT_SEED.

The short form runs with the tests. The long form is `make chaos TRIALS=12 SEED=1`.
"""

import os
from pathlib import Path

from immutant.contract.timings import Timings

__all__ = ["HOW", "LONG", "OUTAGE", "SEED", "TIMINGS", "TRACES", "TRIALS"]

TRIALS = int(os.environ.get("IMMUTANT_TRIALS", "1"))
SEED = int(os.environ.get("IMMUTANT_SEED", "1"))
LONG = TRIALS > 1

TIMINGS = Timings() if LONG else Timings.fitting(2.4, 1.5, 0.6)
OUTAGE = 30.0 if LONG else 6.0
"""Seconds for which the API server is away."""

HOW = f"make chaos TRIALS={TRIALS} SEED={SEED}"
TRACES = Path(__file__).parents[2] / "build" / "chaos"
"""Where a failure leaves what the witness heard and what the processes printed."""
