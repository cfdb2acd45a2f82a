"""Passing a question on to a replica's own process.

Belongs here: one request to its console (`immutant.console`), one answer. The launcher knows
nothing of what is asked.
"""

import asyncio
import json
from pathlib import Path

from immutant.console.client import PATIENCE, read_answer
from immutant.console.requests import LONGEST, Json
from immutant.errors import ConsoleError
from immutant.values import Value

__all__ = ["pass_on"]


async def pass_on(console: Path, replica: str, request: Json) -> Value:
    """The answer of the application at this socket.

    Args:
        console: Its socket.
        replica: Its name, for errors.
        request: What is asked.

    Raises:
        ConsoleError: It refuses, does not run or does not answer.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(str(console), limit=LONGEST)
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                line = await reader.readline()
            finally:
                writer.close()
    except TimeoutError as error:
        raise ConsoleError(
            f"{replica} gave no answer within {PATIENCE:g} s: its process is stopped, or code in C "
            "keeps Python's interpreter to itself"
        ) from error
    except (OSError, ValueError) as error:
        raise ConsoleError(
            f"{replica} cannot be asked ({error}): it is starting, or has ended; look at "
            "`immutant gears`, and ask again"
        ) from error
    return read_answer(line)
