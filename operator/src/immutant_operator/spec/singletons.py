"""The timings of daemons and jobs that run once in the cluster.

Belongs here: the fields, and the inequalities of `immutant.contract.timings` in CEL, so that the
API server refuses what the sidecar would refuse. A test holds the two together.
"""

from typing import Annotated, Final

from pydantic import Field

from immutant_operator.spec.base import Model, Rule, Seconds, ruled

__all__ = ["RULES", "Singletons"]

_LEASE: Final = "duration(self.leaseDuration).getMilliseconds()"
_DEADLINE: Final = "duration(self.renewDeadline).getMilliseconds()"
_PERIOD: Final = "duration(self.renewPeriod).getMilliseconds()"

# `Timings.fitting` takes each margin as a share of the lease's duration, at most as for 4 s. With
# milliseconds in integers: stop + kill are min(1400, 0.35 · lease), two requests and the delivery
# min(1450, 0.3625 · lease). `x + min(a, b) < y` is `x + a < y || x + b < y`.
RULES: Final = (
    Rule(
        f"{_PERIOD} > 0 && {_LEASE} > 0",
        "leaseDuration and renewPeriod must be above zero; 4s, 2.5s and 1s fit together",
    ),
    Rule(
        f"({_DEADLINE} + 1400) * 101 < {_LEASE} * 99"
        f" || ({_DEADLINE} * 100 + {_LEASE} * 35) * 101 < {_LEASE} * 9900",
        "renewDeadline is too long for leaseDuration: (renewDeadline + 35 % of leaseDuration, at "
        "most 1.4s) * 1.01/0.99 must be below leaseDuration; raise leaseDuration or lower "
        "renewDeadline, e.g. leaseDuration: 4s, renewDeadline: 2.5s",
    ),
    Rule(
        f"{_PERIOD} + 1450 < {_DEADLINE}"
        f" || {_PERIOD} * 10000 + {_LEASE} * 3625 < {_DEADLINE} * 10000",
        "renewPeriod is too long for renewDeadline: renewPeriod + 36.25 % of leaseDuration, at "
        "most 1.45s, must be below renewDeadline; raise renewDeadline or lower renewPeriod, "
        "e.g. renewDeadline: 2.5s, renewPeriod: 1s",
    ),
)


class Singletons(Model):
    """How soon a daemon or a job goes on elsewhere when its pod dies."""

    model_config = ruled(*RULES)

    lease_duration: Seconds = 4.0
    """A pod that was silent for this long is expelled."""
    renew_deadline: Seconds = 2.5
    """A tenure ends this long after the last renewal."""
    renew_period: Seconds = 1.0
    """The time between two renewals of a pod."""
    epoch: Annotated[int, Field(ge=0, le=32767)] = 0
    """Raise it by one after etcd was restored from a backup; fencing tokens go on growing then."""
