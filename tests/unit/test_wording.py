"""Errors of user code, in words."""

from immutant.wording import worded


class WordlessError(Exception):
    """As user code has them: the text is made of what nobody has set."""

    def __str__(self) -> str:
        return str(self.message)  # type: ignore[attr-defined]


def test_an_error_is_told_by_its_class_and_its_text() -> None:
    assert worded(ValueError("bad")) == "ValueError: bad"


def test_an_error_whose_text_cannot_be_made_is_told_by_its_class() -> None:
    said = worded(WordlessError())
    assert said == "WordlessError, whose text cannot be had: AttributeError"


def test_the_name_of_a_file_that_is_no_utf_8_can_be_written_down() -> None:
    name = b"/data/\xff.csv".decode(errors="surrogateescape")
    assert worded(FileNotFoundError(name)) == r"FileNotFoundError: /data/\udcff.csv"
    assert worded(FileNotFoundError(name)).encode()
