"""The election's timings, and the inequalities that make them safe."""

from dataclasses import dataclass

from immutant.errors import ConfigurationError

__all__ = ["Timings"]

_DEFAULT_DURATION = 4.0
_DEFAULT_MARGINS = {"stop_margin": 1.0, "kill_margin": 0.4, "api_timeout": 0.6, "delivery": 0.25}

CLOCK_RATE_ERROR = 0.01
"""How far apart two clocks' rates may be (rho): promises hold up to this."""


@dataclass(frozen=True, slots=True)
class Timings:
    """All in seconds; the defaults are the 4 / 2.5 / 1 s profile.

    Attributes:
        lease_duration: Without a change for this long, an observer may expel a member.
        renew_deadline: A tenure ends this long after the last renewal that counts was sent.
        renew_period: Between two renewals of a member.
        stop_margin: After the deadline, until user code is killed.
        kill_margin: What killing takes.
        api_timeout: Bounds one whole request to the lease store.
        delivery: The watch's echo and the heartbeat's way to the application, together.

    Raises:
        ConfigurationError: They don't fit together; the text names the inequality.
    """

    lease_duration: float = _DEFAULT_DURATION
    renew_deadline: float = 2.5
    renew_period: float = 1.0
    stop_margin: float = _DEFAULT_MARGINS["stop_margin"]
    kill_margin: float = _DEFAULT_MARGINS["kill_margin"]
    api_timeout: float = _DEFAULT_MARGINS["api_timeout"]
    delivery: float = _DEFAULT_MARGINS["delivery"]

    def __post_init__(self) -> None:
        if min(self.renew_period, self.api_timeout, self.stop_margin, self.kill_margin) <= 0:
            raise ConfigurationError("renewPeriod, apiTimeout and both margins must be above zero")
        drift = (1 + CLOCK_RATE_ERROR) / (1 - CLOCK_RATE_ERROR)
        needed = self.longest_overrun * drift
        if not needed < self.lease_duration:
            raise ConfigurationError(
                "(renewDeadline + stopMargin + killMargin) · 1.01/0.99 < leaseDuration does not "
                f"hold: {needed:.2f} s is not below {self.lease_duration:g} s; "
                "raise leaseDuration or lower renewDeadline"
            )
        needed = self.renew_period + 2 * self.api_timeout + self.delivery
        if not needed < self.renew_deadline:
            raise ConfigurationError(
                "renewPeriod + 2·apiTimeout + delivery < renewDeadline does not hold: "
                f"{needed:.2f} s is not below {self.renew_deadline:g} s; "
                "raise renewDeadline or lower renewPeriod"
            )

    @classmethod
    def fitting(
        cls, lease_duration: float, renew_deadline: float, renew_period: float
    ) -> "Timings":
        """Timings of which a user states three; the others follow from the lease duration.

        Each is the same share of the lease duration as in the default profile, at most as there.

        Raises:
            ConfigurationError: They don't fit together; the text names the inequality.
        """
        share = min(1.0, lease_duration / _DEFAULT_DURATION)
        margins = {name: share * margin for name, margin in _DEFAULT_MARGINS.items()}
        return cls(lease_duration, renew_deadline, renew_period, **margins)

    @property
    def margins(self) -> float:
        """After the deadline, until nothing of the tenure runs any more."""
        return self.stop_margin + self.kill_margin

    @property
    def longest_overrun(self) -> float:
        """After a renewal was sent, until nothing of the tenure it carried runs any more."""
        return self.renew_deadline + self.margins
