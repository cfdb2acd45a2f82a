"""The kernel's timer, against processes that do all they can to outlive it."""

import signal
import subprocess
import sys
import time

import pytest

from immutant.serve.kernel_timer import KernelTimer

pytestmark = pytest.mark.skipif(
    not KernelTimer.is_supported(), reason="only Linux has timers that kill"
)

_BEGIN = """
import os, resource, signal, sys, threading, time
from immutant.errors import ConfigurationError
from immutant.serve.kernel_timer import KernelTimer
now = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)
"""

_HALF_A_SECOND = (
    "timer = KernelTimer(); begun = now(); print(begun, flush=True); timer.set(begun + 0.5)\n"
)


def lives(code: str) -> tuple[int, float]:
    """Run it: its exit status, and how long it lived after it had set the timer."""
    with subprocess.Popen(
        [sys.executable, "-c", _BEGIN + _HALF_A_SECOND + code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        begun = float(process.stdout.readline())
        status = process.wait(timeout=20)
        return status, time.clock_gettime(time.CLOCK_BOOTTIME) - begun


@pytest.mark.parametrize(
    "unwilling",
    [
        "while True: pass",
        "import re; re.match('(a|aa)+$', 'a' * 60 + 'b')  # holds the interpreter",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "threading.Thread(target=time.sleep, args=(9,)).start(); time.sleep(9)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); time.sleep(9)",
        (
            "[signal.signal(n, signal.SIG_IGN) for n in signal.valid_signals() - {9, 19, 32, 33}]\n"
            "time.sleep(9)"
        ),
        "signal.setitimer(signal.ITIMER_REAL, 99); signal.alarm(0); time.sleep(9)",
    ],
)
def test_a_process_dies_at_its_instant_whatever_it_does(unwilling: str) -> None:
    status, lived = lives(unwilling)
    assert status == -signal.SIGKILL
    assert 0.5 <= lived < 4.0, "late by what a busy machine takes"


@pytest.mark.parametrize(
    "more", ["timer.set(None)", "timer.set(now() + 60); timer.set(now() + 30)"]
)
def test_a_timer_that_is_unset_or_set_anew_kills_nobody(more: str) -> None:
    assert lives(f"{more}; time.sleep(0.8)")[0] == 0


def test_an_instant_that_has_passed_kills_at_once() -> None:
    status, lived = lives("timer.set(1e-6); time.sleep(9)")
    assert status == -signal.SIGKILL
    assert lived < 4.0


@pytest.mark.parametrize("child", ["os.fork()", "os.posix_spawn(sys.executable, PROGRAM, {})"])
def test_a_child_process_inherits_no_timer(child: str) -> None:
    program = "PROGRAM = [sys.executable, '-c', 'import time; time.sleep(0.8); print(1)']\n"
    code = (
        f"{program}child = {child}\n"
        "if child == 0: timer = None; time.sleep(0.8); os._exit(7)\n"
        "timer.set(None); sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert lives(code)[0] == (7 if child == "os.fork()" else 0)


def test_a_kernel_that_gives_no_timer_is_told_with_the_remedy() -> None:
    code = (
        "resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0))\n"
        "try: KernelTimer()\n"
        "except ConfigurationError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + code], capture_output=True, text=True, check=True
    )
    assert "the kernel refuses the timer of hard_deadline=True" in done.stdout
