"""Every error that the operator raises on purpose.

Belongs here: the classes. An error about an app carries the reason that its condition shows; the
text is the condition's message, a sentence with the remedy.
"""

__all__ = [
    "AppError",
    "ForbiddenError",
    "LeftoversError",
    "NameTakenError",
    "OperatorError",
    "RefusedError",
    "SettingsError",
    "SourceMissingError",
    "SourceUnreachableError",
    "SpecError",
]


class OperatorError(Exception):
    """Base of all errors that the operator raises on purpose; its text is meant for users."""


class SettingsError(OperatorError):
    """The operator's own settings cannot work."""


class AppError(OperatorError):
    """An app cannot be brought to what its spec says; what runs goes on."""

    reason: str = "Failed"


class SpecError(AppError):
    """The spec cannot be meant."""

    reason = "InvalidSpec"


class SourceMissingError(AppError):
    """The source that the spec names is not there."""

    reason = "SourceMissing"


class SourceUnreachableError(AppError):
    """The repository that the spec names does not say what it has."""

    reason = "SourceUnreachable"


class NameTakenError(AppError):
    """An object that the app needs exists already and is somebody else's."""

    reason = "NameTaken"


class LeftoversError(AppError):
    """Objects of a former app of this name are still being removed."""

    reason = "FormerAppEnding"


class ForbiddenError(AppError):
    """The API server does not let the operator make an object: a right or a quota is missing."""

    reason = "Forbidden"


class RefusedError(AppError):
    """The API server refused an object."""

    reason = "InvalidSpec"
