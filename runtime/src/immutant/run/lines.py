"""Cutting a stream of bytes into lines. Pure: no I/O here."""

from collections.abc import Iterator

__all__ = ["LONGEST", "LineCutter"]

LONGEST = 256 * 1024
"""Bytes of a line beyond which it is passed on in pieces, so that memory stays bounded."""


class LineCutter:
    """Takes pieces of a stream as they come and gives its lines, without their line ends."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that this piece completes."""
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = self._rest + lines[0]
            self._rest = rest
        else:
            self._rest += rest
        for line in lines:
            yield from self._pieces(line.removesuffix(b"\r"))
        if len(self._rest) > self._longest:
            yield from self._pieces(self._rest)
            self._rest = b""

    def finish(self) -> Iterator[bytes]:
        """What followed the last line end."""
        if self._rest:
            yield from self._pieces(self._rest)
            self._rest = b""

    def _pieces(self, line: bytes) -> Iterator[bytes]:
        yield line[: self._longest]
        for start in range(self._longest, len(line), self._longest):
            yield line[start : start + self._longest]
