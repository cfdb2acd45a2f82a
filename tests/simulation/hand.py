"""Edits of records by hand, as with `kubectl edit` and `kubectl delete`.

Belongs here: what a hand does to one record. Not here: when (`world`).
"""

import random
from dataclasses import replace

from tests.simulation.node import APP
from tests.simulation.store import Store

from immutant.contract.records import is_member_lease
from immutant.leases import Lease

__all__ = ["edit"]


def edit(store: Store, choose: random.Random) -> str:
    """Edit one of the records; its name, or "" where there is none."""
    if not store.records:
        return ""
    name = choose.choice(list(store.records))
    kind = choose.choice(["delete", "empty", "garble", "restore", "rename", "body"])
    if kind == "delete":
        store.delete(name)
    else:
        store.force(_edited(store, store.records[name], kind, choose))
    return name


def _edited(store: Store, there: Lease, kind: str, choose: random.Random) -> Lease:
    if kind == "empty":
        return Lease(there.name)
    if kind == "garble":
        return replace(there, holder="somebody", member="", nonce="x", released="")
    if kind == "restore" and not is_member_lease(APP, there.name):
        older = [event.lease for event in store.log if event.name == there.name and event.lease]
        return choose.choice(older)
    members = [one for one in store.records.values() if is_member_lease(APP, one.name)]
    if kind == "rename" and not is_member_lease(APP, there.name) and members:
        other = choose.choice(members)
        nonce = choose.choice([there.nonce, "x"])
        return replace(there, holder=other.holder, member=other.member, nonce=nonce)
    return replace(there, body="edited")
