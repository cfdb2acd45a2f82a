"""The election's timings, and the inequalities that make them safe."""

from dataclasses import dataclass

from immutant.errors import ConfigurationError

__all__ = ["Timings"]

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

    lease_duration: float = 4.0
    renew_deadline: float = 2.5
    renew_period: float = 1.0
    stop_margin: float = 1.0
    kill_margin: float = 0.4
    api_timeout: float = 0.6
    delivery: float = 0.25

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

    @property
    def margins(self) -> float:
        """After the deadline, until nothing of the tenure runs any more."""
        return self.stop_margin + self.kill_margin

    @property
    def longest_overrun(self) -> float:
        """After a renewal was sent, until nothing of the tenure it carried runs any more."""
        return self.renew_deadline + self.margins
