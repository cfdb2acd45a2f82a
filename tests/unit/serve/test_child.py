"""The application's process, as far as it can be tried without one."""

import sys

import pytest

from immutant import App, BlockingTenure
from immutant.clock import SystemClock
from immutant.contract.timings import Timings
from immutant.serve.child import hard_deadline


def test_without_the_kernels_timer_it_is_said_that_a_hard_deadline_does_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = App("shop")

    @app.daemon(hard_deadline=True)
    def pay(tenure: BlockingTenure) -> None: ...

    monkeypatch.setattr(sys, "platform", "darwin")
    assert hard_deadline(app, Timings(), SystemClock()) is None
    assert "hard_deadline=True does nothing here: only Linux" in capsys.readouterr().err
