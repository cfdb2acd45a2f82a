"""Every error that Immutant raises on purpose.

Belongs here: the classes, one base for all. Not here: the sentences; whoever raises
an error writes the sentence, and a sentence names the remedy.
"""

__all__ = [
    "BlockingCallError",
    "CapacityError",
    "ClusterError",
    "ConfigurationError",
    "ConflictError",
    "ConsoleError",
    "CoordinatorError",
    "DefinitionError",
    "HandlerExitError",
    "ImmutantError",
    "LockHeldError",
    "MissingError",
    "NotRunningError",
    "OvertakenError",
    "PushRefusedError",
    "RequestRefusedError",
    "RolloutFailedError",
    "SessionEndedError",
    "SourceUnreachableError",
    "StaleTenureError",
    "StoreError",
    "TakenError",
    "TenureEndedExit",
    "TenureLostError",
    "UncertainWriteError",
    "UnreachableError",
    "UnusableStateError",
    "ValueRefusedError",
]


class ImmutantError(Exception):
    """Base of all errors that Immutant raises on purpose; its text is meant for the user."""


class ConfigurationError(ImmutantError):
    """A setting, a command line or an environment that cannot work as given."""


class DefinitionError(ConfigurationError):
    """The application defines something that cannot be: a name twice, a wrong cron expression."""


class ValueRefusedError(ImmutantError):
    """A value, a key or a message that cannot be stored: no JSON, or over the limit."""


class NotRunningError(ImmutantError):
    """A cache, queue or topic was used while its application is not running."""


class SessionEndedError(ImmutantError):
    """The web session ended while a request was at work; what it was to store is not stored."""


class BlockingCallError(ImmutantError):
    """A blocking facade was used where waiting would stop the event loop."""


class StoreError(ImmutantError):
    """The store could not do what was asked; nothing of the request was stored."""


class UnusableStateError(StoreError, ConfigurationError):
    """What should hold the state cannot: a foreign file, a newer version's, no local disk."""


class CapacityError(StoreError):
    """The store has no room: the disk or the configured limit is full."""


class UncertainWriteError(StoreError):
    """The write may or may not have been stored, and this could not be settled in time."""


class ConflictError(StoreError):
    """A compare-and-swap found another version than the expected one."""


class ClusterError(ImmutantError):
    """The cluster could not be asked, or refused; the text says what to do."""


class UnreachableError(ClusterError, NotRunningError):
    """There is no cluster to talk to: none is named, it does not answer, or kubectl is missing."""


class MissingError(ClusterError):
    """What was asked for is not there."""


class ConsoleError(ImmutantError):
    """A running application could not be asked, or refused; the text says what to do."""


class TakenError(ClusterError):
    """There is an object of that name already."""


class OvertakenError(ClusterError):
    """Somebody else has changed what was to be changed since it was read."""


class PushRefusedError(ImmutantError):
    """A `git push` that cannot be; nothing was deployed."""


class RolloutFailedError(ClusterError):
    """What was deployed does not come up, or it is not known whether it does."""


class LockHeldError(ImmutantError):
    """A file lock is held by another process; its text names the file."""


class StaleTenureError(ImmutantError):
    """A fenced entry has been read or written by a newer tenure of the same singleton."""


class TenureLostError(ImmutantError):
    """The tenure has ended; what its holder was about to do must not be done."""


class CoordinatorError(ImmutantError):
    """The coordinator beside the application cannot be reached or refused the request."""


class RequestRefusedError(CoordinatorError):
    """The coordinator understood the request and will never grant it as it is."""


class HandlerExitError(ImmutantError):
    """The user's function ended by what is no Exception: sys.exit(), a cancelling of its own."""


class SourceUnreachableError(ImmutantError):
    """The repository of a source did not give what was asked for; it may next time."""


class TenureEndedExit(BaseException):
    """Raised by `tenure.sleep` at the end of a tenure, so that a loop stops between its steps.

    No Exception: a loop that catches those and goes on must not catch its own end.
    """
