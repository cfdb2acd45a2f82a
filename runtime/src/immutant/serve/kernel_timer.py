"""A timer of the kernel's that kills this process, whatever its code does.

Belongs here: Linux's interface, by ctypes, since Python has none for it. Not here: when it is due
(`immutant.serve.guard`).
"""

import ctypes
import os
import signal
import sys
import time

from immutant.errors import ConfigurationError

__all__ = ["KernelTimer"]

_ABSOLUTE = 1
"""TIMER_ABSTIME of timer_settime(2)."""

_SIGEV_SIGNAL = 0
_SIGEV_PADDING = 48
"""Bytes: struct sigevent has 64 of them, with glibc and with musl."""


class _SigEvent(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("padding", ctypes.c_byte * _SIGEV_PADDING),
    )


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class KernelTimer:
    """Kills this process at an instant of the boot clock, unless it is set anew before.

    SIGKILL can be neither handled nor blocked nor ignored, and reaches a stopped process too. The
    instant is absolute, and the clock goes on while the machine is suspended: there is no moment
    between reading a clock and setting the timer in which a freeze could prolong anything. A timer
    of signal.setitimer is another one, and the user's; no child process inherits this one.
    """

    def __init__(self) -> None:
        """Make a timer that is not set, where such timers are supported.

        Raises:
            ConfigurationError: The kernel refuses it; the text says why.
        """
        self._library = _library()
        self._timer = ctypes.c_void_p()
        event = _SigEvent(signal=signal.SIGKILL, notify=_SIGEV_SIGNAL)
        made = self._library.timer_create(
            ctypes.c_int(time.CLOCK_BOOTTIME), ctypes.byref(event), ctypes.byref(self._timer)
        )
        _check(made)

    @staticmethod
    def is_supported() -> bool:
        """Whether this system has such timers."""
        return sys.platform == "linux"

    def set(self, at: float | None) -> None:
        """Kill at that instant, at once if it has passed; None: never.

        Args:
            at: Seconds of CLOCK_BOOTTIME, above zero.
        """
        seconds, fraction = divmod(at or 0.0, 1.0)
        spec = _TimerSpec(value=_TimeSpec(int(seconds), int(fraction * 1e9)))
        _check(self._library.timer_settime(self._timer, _ABSOLUTE, ctypes.byref(spec), None))


def _library() -> ctypes.CDLL:
    """The C library; before version 2.34 glibc kept its timers in another one."""
    library = ctypes.CDLL(None, use_errno=True)
    if hasattr(library, "timer_create"):
        return library
    return ctypes.CDLL("librt.so.1", use_errno=True)


def _check(result: int) -> None:
    if result:
        why = os.strerror(ctypes.get_errno())
        raise ConfigurationError(
            f"the kernel refuses the timer of hard_deadline=True ({why}); allow timer_create and "
            "timer_settime where a filter of system calls forbids them, or leave it out"
        )
