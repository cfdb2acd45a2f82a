"""What this replica holds of a queue: the records of the deliveries in its consumers' hands.

Belongs here: remembering them. Not here: what is done with them (`queue`, `sweeper`). What is
forgotten here too early costs a look into the grid, and no message.
"""

from collections.abc import Collection
from itertools import count

from immutant.grid.records import Record
from immutant.stores import Delivery

__all__ = ["Held"]


class Held:
    """The records that are held, each in the version that this replica wrote last."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, int], tuple[int, Record]] = {}
        self._serial = count()

    def hold(self, record: Record) -> None:
        """Remember the record of a delivery."""
        self._records[(record.id, record.attempt)] = (next(self._serial), record)

    def forget(self, record: Record) -> None:
        """Forget this version of the record, if it is the one that is held."""
        key = (record.id, record.attempt)
        _, held = self._records.get(key, (0, None))
        if held is not None and held.change == record.change:
            del self._records[key]

    def of(self, delivery: Delivery) -> Record | None:
        """The record of that delivery, if it is held."""
        _, record = self._records.get((delivery.id, delivery.attempt), (0, None))
        return record

    def all(self) -> list[Record]:
        """All that are held."""
        return [record for _, record in self._records.values()]

    def moment(self) -> int:
        """A name for now, for `keep`."""
        return next(self._serial)

    def keep(self, changes: Collection[str], moment: int) -> None:
        """Forget what was held before that moment, but the versions that were found after it."""
        self._records = {
            key: (serial, record)
            for key, (serial, record) in self._records.items()
            if serial > moment or record.change in changes
        }
