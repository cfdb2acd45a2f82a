"""How many, and how much, in words.

Belongs here: numbers as a sentence has them. Not here: what is counted.
"""

__all__ = ["counted", "sized"]


def counted(number: int, what: str) -> str:
    """So many of a thing whose plural has an `s`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def sized(size: int) -> str:
    """Bytes as people read them."""
    if size < 1 << 10:
        return f"{size} bytes"
    return f"{size / (1 << 10):.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"
