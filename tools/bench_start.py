"""How long the command line takes: `python tools/bench_start.py`.

Prints medians: `immutant --help`, and from `immutant run` to the first line of the example's own
code, for one replica and for three, each on an empty state folder.
"""

import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

IMMUTANT = (sys.executable, "-m", "immutant")
DEMO = Path(__file__).resolve().parent.parent / "examples" / "cluster-demo" / "app.py"


def help_text() -> float:
    """Seconds to print the help."""
    began = time.perf_counter()
    subprocess.run([*IMMUTANT, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def first_send(replicas: int) -> float:
    """Seconds from the command to the first `send`."""
    with tempfile.TemporaryDirectory() as state:
        began = time.perf_counter()
        command = [*IMMUTANT, "run", str(DEMO), "--state", state, "--port", "0", "--no-reload"]
        with subprocess.Popen(
            [*command, "--replicas", str(replicas)], stdout=subprocess.PIPE, text=True
        ) as run:
            assert run.stdout is not None
            next(line for line in run.stdout if "| send" in line)
            took = time.perf_counter() - began
            run.send_signal(signal.SIGINT)
            run.stdout.read()
    return took


def show(what: str, limit: float, runs: int, measure: Callable[[], float]) -> None:
    """Print the median and the limit that it is to keep."""
    median = statistics.median(measure() for _ in range(runs))
    print(f"{what:34}{median * 1000:7.0f} ms   (limit {limit * 1000:.0f} ms)", flush=True)


def main() -> None:
    """Measure and print."""
    show("immutant --help", 0.15, 10, help_text)
    show("first send, one replica", 2.0, 5, lambda: first_send(1))
    show("first send, three replicas", 2.0, 5, lambda: first_send(3))


if __name__ == "__main__":
    main()
