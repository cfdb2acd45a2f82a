"""An error in words, whatever its class makes of them.

Belongs here: what is written down and sent on of an error that user code raised. Not here: the
sentences of our own errors (whoever raises one writes it).
"""

__all__ = ["worded"]


def worded(error: BaseException) -> str:
    """The error's class and text, as text that every coder takes; it raises nothing itself."""
    name = type(error).__name__
    try:
        text = f"{name}: {error}"
    except Exception as failure:  # its __str__ is user code too
        text = f"{name}, whose text cannot be had: {type(failure).__name__}"
    # Names of files hold lone surrogates for bytes that are no UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()
