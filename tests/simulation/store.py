"""The simulated lease store: records with versions, and the ordered log that watches read."""

from dataclasses import replace

from immutant.leases import Lease, LeaseEvent, LeaseSnapshot


class Store:
    """Records with versions, and the ordered log that watches read."""

    def __init__(self) -> None:
        self.version = 0
        self.records: dict[str, Lease] = {}
        self.log: list[LeaseEvent] = []

    def write(self, lease: Lease, expect: int) -> int | None:
        there = self.records.get(lease.name)
        if (there.version if there else 0) != expect:
            return None
        return self.force(lease)

    def force(self, lease: Lease) -> int:
        self.version += 1
        stored = replace(lease, version=self.version)
        self.records[lease.name] = stored
        self.log.append(LeaseEvent(lease.name, self.version, stored))
        return self.version

    def delete(self, name: str) -> None:
        if self.records.pop(name, None):
            self.version += 1
            self.log.append(LeaseEvent(name, self.version, None))

    def snapshot(self) -> LeaseSnapshot:
        return LeaseSnapshot(tuple(self.records.values()), self.version)
