"""What a run measured, printed at its end."""


class Figures:
    """Figures by what they are of, in the order in which they were measured."""

    def __init__(self) -> None:
        self.noted: dict[str, str] = {}

    def note(self, what: str, figure: str) -> None:
        """Keep a figure, unit included."""
        self.noted[what] = figure
