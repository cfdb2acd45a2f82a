"""Once a second: what wake-ups may have missed.

Belongs here: looking whether anything has happened unheard. Not here: the work itself.

A process that is killed between its commit and its wake-ups strands whoever waits for them, and
nothing can tell them at once. So the store is asked each second whether it has changed.
"""

import asyncio
import logging

from immutant.embedded.alarm import Alarm
from immutant.embedded.bell import EVERYTHING, Bell
from immutant.embedded.engine import Engine
from immutant.embedded.peers import Peers
from immutant.embedded.post import Post
from immutant.embedded.transaction import Transaction
from immutant.errors import StoreError

__all__ = ["keep_looking"]

_PERIOD = 1.0

_log = logging.getLogger(__name__)


async def keep_looking(engine: Engine, bell: Bell, alarm: Alarm, post: Post, peers: Peers) -> None:
    """Wake everybody each second in which the store has changed, and bury the dead."""
    known = None
    while True:
        await asyncio.sleep(_PERIOD)
        try:
            alarm.check()
            post.mend()
            version = await engine.read(_data_version)
            if version != known:
                known = version
                bell.ring([EVERYTHING])
            await peers.bury_dead()
        except (OSError, StoreError):
            _log.warning("cannot look after the store", exc_info=True)


def _data_version(transaction: Transaction) -> int:
    """A number that changes with every commit of another connection."""
    return int(transaction.run("PRAGMA data_version")[0][0])
