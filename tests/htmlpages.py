"""Pages of ours, read as a browser or a screen reader would.

Belongs here: parsing HTML and CSS as far as tests ask of them. Not here: what is right.
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Element", "colours", "contrast", "read"]

_VOID = {"meta", "link", "br", "path", "circle"}
"""Elements without an end: of HTML, and those of SVG that are written so."""


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parents: tuple["Element", ...]
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs}, tuple(self._open))
        assert len(element.attributes) == len(attrs), f"an attribute twice: {attrs}"
        self.found.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(Element(tag, {key: value or "" for key, value in attrs}, ()))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> ends nothing"
        assert self._open[-1].tag == tag, f"</{tag}> where <{self._open[-1].tag}> is open"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.parts.append(data)

    def close(self) -> None:
        super().close()
        assert not self._open, f"never closed: {[one.tag for one in self._open]}"


def read(page: str) -> list[Element]:
    """All elements of a page; every one that is opened has to be closed, in order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found


def colours(style: str) -> list[dict[str, str]]:
    """The custom properties that are colours: in the light, and in the dark."""
    light, _, dark = style.partition("prefers-color-scheme: dark")
    dark = dark[: dark.index("\n}")]
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in (light, dark)]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2)."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
