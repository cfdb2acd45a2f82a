"""Who gets a message next.

Belongs here: tickets, handing over, and the moves of messages after which somebody may be served.
Not here: the rows of messages (`messages`); waiting, timers, cancellation (`queues`).

A receive that finds nothing leaves a *ticket*. Whatever makes a message ready hands it, in the same
transaction, to the ticket that has waited longest; so at the end of every transaction a queue
has ready messages or tickets, never both, and those who wait are served in turn.
"""

from collections.abc import Sequence

from immutant.embedded import messages
from immutant.embedded.identity import mark_range, process_of
from immutant.embedded.messages import Claim
from immutant.embedded.transaction import Transaction
from immutant.stores import Delivery, Outgoing

__all__ = [
    "extend",
    "give_back",
    "is_waiting",
    "leave",
    "next_release",
    "next_wake",
    "release_all_due",
    "release_due",
    "release_owner",
    "send",
    "take_or_wait",
    "withdraw",
]


def send(transaction: Transaction, queue: str, outgoing: Sequence[Outgoing]) -> list[str]:
    """Store the messages and hand them, unless delayed, to those who wait; their ids."""
    numbers = [messages.insert(transaction, queue, message) for message in outgoing]
    for number, message in zip(numbers, outgoing, strict=True):
        if message.delay > 0:
            _delay(transaction, queue, number, message.delay)
    _hand_over(transaction, queue)
    return [str(number) for number in numbers]


def give_back(
    transaction: Transaction, queue: str, delivery: Delivery, seconds: float, *, counted: bool
) -> bool:
    """Make the message ready again after the delay; False when the delivery was overtaken."""
    if not messages.is_held(transaction, queue, delivery):
        return False
    number = int(delivery.id)
    if not counted:
        messages.uncount(transaction, number)
    messages.make_ready(transaction, number)
    if seconds > 0:
        _delay(transaction, queue, number, seconds)
    _hand_over(transaction, queue)
    return True


def extend(transaction: Transaction, queue: str, delivery: Delivery, visibility: float) -> bool:
    """Hold the delivery until `visibility` seconds from now; False when it was overtaken."""
    until = transaction.now + visibility
    held = messages.hold(transaction, queue, delivery, until)
    if held:
        _announce(transaction, queue, until)
    return held


def take_or_wait(transaction: Transaction, claim: Claim) -> tuple[Delivery | None, float | None]:
    """Lease the next message or else leave a ticket; also when the queue's next is due."""
    release_due(transaction, claim.queue)
    delivery = messages.take(transaction, claim)
    if delivery is not None:
        return delivery, None
    transaction.run(
        "INSERT INTO tickets (queue, mark, visibility) VALUES (?, ?, ?)",
        claim.queue,
        claim.mark,
        claim.visibility,
    )
    return None, next_wake(transaction, claim.queue)


def is_waiting(transaction: Transaction, mark: str) -> bool:
    """Whether the ticket is still there."""
    return transaction.one("SELECT 1 FROM tickets WHERE mark = ?", mark) is not None


def leave(transaction: Transaction, mark: str) -> Delivery | None:
    """Wait no longer: what was handed over meanwhile, else None and the ticket is gone."""
    transaction.run("DELETE FROM tickets WHERE mark = ?", mark)
    return messages.pick_up(transaction, mark)


def withdraw(transaction: Transaction, queue: str, mark: str) -> None:
    """Undo a receive, whatever it has come to: as if it had never been."""
    delivery = leave(transaction, mark)
    if delivery is not None:
        give_back(transaction, queue, delivery, 0.0, counted=False)


def release_due(transaction: Transaction, queue: str) -> None:
    """Do what the time has come for: end delays and leases, let messages expire."""
    due = transaction.run(
        "SELECT id, expires FROM messages WHERE queue = ? AND wake <= ? ORDER BY wake, id",
        queue,
        transaction.now,
    )
    for number, expires in due:
        if expires is not None and expires <= transaction.now:
            died_at = transaction.wall - (transaction.now - expires)
            messages.die(transaction, number, "expired", died_at)
        else:
            messages.make_ready(transaction, number)
    if due:
        _hand_over(transaction, queue)


def release_all_due(transaction: Transaction) -> float | None:
    """Release what is due in all queues that somebody waits for; when the next is due."""
    for queue in _waiting_queues(transaction):
        release_due(transaction, queue)
    return next_release(transaction)


def next_release(transaction: Transaction) -> float | None:
    """When the next is due in the queues that somebody waits for."""
    wakes = [next_wake(transaction, queue) for queue in _waiting_queues(transaction)]
    return min((wake for wake in wakes if wake is not None), default=None)


def release_owner(transaction: Transaction, owner: str) -> None:
    """Give back what a dead owner holds, and forget what it waits for."""
    marks = mark_range(owner)
    transaction.run("DELETE FROM tickets WHERE mark > ? AND mark < ?", *marks)
    held = transaction.run("SELECT id, queue FROM messages WHERE mark > ? AND mark < ?", *marks)
    for number, _ in held:
        messages.make_ready(transaction, number)
    for queue in {queue for _, queue in held}:
        _hand_over(transaction, queue)


def next_wake(transaction: Transaction, queue: str) -> float | None:
    """When the queue's next delay, lease or time to live runs out."""
    rows = transaction.run(
        "SELECT wake FROM messages WHERE queue = ? AND wake IS NOT NULL ORDER BY wake LIMIT 1",
        queue,
    )
    return float(rows[0][0]) if rows else None


def _waiting_queues(transaction: Transaction) -> list[str]:
    return [queue for (queue,) in transaction.run("SELECT DISTINCT queue FROM tickets")]


def _delay(transaction: Transaction, queue: str, number: int, seconds: float) -> None:
    until = transaction.now + seconds
    messages.delay(transaction, number, until)
    _announce(transaction, queue, until)


def _hand_over(transaction: Transaction, queue: str) -> None:
    """Give ready messages to the tickets, in the order of the tickets."""
    served = False
    while ticket := transaction.one(
        "SELECT id, mark, visibility FROM tickets WHERE queue = ? ORDER BY id LIMIT 1", queue
    ):
        number, mark, visibility = ticket
        if messages.take(transaction, Claim(queue, mark, visibility)) is None:
            break
        transaction.run("DELETE FROM tickets WHERE id = ?", number)
        transaction.ring(f"ticket:{mark}", process_of(mark))
        served = True
    wake = next_wake(transaction, queue) if served and ticket else None
    if wake is not None:
        _announce(transaction, queue, wake)


def _announce(transaction: Transaction, queue: str, wake: float) -> None:
    """Tell the processes that wait for the queue when to look at it next."""
    marks = transaction.run("SELECT mark FROM tickets WHERE queue = ?", queue)
    for process in {process_of(mark) for (mark,) in marks}:
        transaction.ring(f"due:{wake!r}", process)
