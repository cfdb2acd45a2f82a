"""The command line.

Belongs here: options, help texts, printing, exit codes. Not here: what the commands do; each
imports its implementation when it is called, so that `immutant --help` stays quick.

Exit codes: 0 done; 1 it failed; 2 wrong usage, or nothing to talk to: neither an `immutant run` nor
a cluster; 78 a configuration that cannot work (EX_CONFIG of sysexits.h); 130 killed by a second
Ctrl-C.
"""

import os
import sys

from immutant.errors import ConfigurationError, ImmutantError, NotRunningError

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process and exit."""
    from immutant.cli.commands import commands  # imports Typer, which costs most of the start

    try:
        commands(prog_name="immutant")
    except ImmutantError as error:
        sys.stderr.write(f"immutant: {error}\n")
        sys.exit(_exit_code(error))


def _exit_code(error: ImmutantError) -> int:
    if isinstance(error, ConfigurationError):
        return os.EX_CONFIG
    return 2 if isinstance(error, NotRunningError) else 1
