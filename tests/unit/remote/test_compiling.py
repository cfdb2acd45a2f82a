"""Files that Python does not compile: which are refused, and which are told of."""

import re
import warnings

import pytest

from immutant.errors import ConfigurationError
from immutant.remote.compiling import IMAGE_PYTHON, check
from immutant.remote.packing import Entry, File, Link

BROKEN = "def (:\n"
VIEWS = "from shop import views\n"
GOOD = "from immutant import App\napp = App('demo')\n"


def tree(**files: str) -> list[Entry]:
    """Files by their paths, with `__` for a slash."""
    return [File(f"{path.replace('__', '/')}.py", text.encode()) for path, text in files.items()]


def package(name: str, text: str = "") -> Entry:
    return File(f"{name}/__init__.py", text.encode())


def test_a_tree_that_compiles_is_taken_without_a_word() -> None:
    assert check([*tree(app=GOOD, tools=GOOD), Link("old.py", "nowhere.py")], "app:app") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\nif x\n", "app.py, line 2: expected ':': if x"),
        ("def f():\nreturn 1\n", "app.py, line 2: expected an indented block"),
        ("return 1\n", "app.py, line 1: 'return' outside function"),
        ("x = '\0'\n", "null bytes"),
        ("# coding: nowhere\n", "unknown encoding: nowhere"),
    ],
)
def test_the_applications_file_is_refused_with_line_and_message(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
        check(tree(app=text), "app:app")
    assert str(caught.value).startswith("the application cannot be imported: app.py")


@pytest.mark.parametrize(
    ("entrypoint", "entries"),
    [
        ("app:app", tree(app="import shop\n", shop=BROKEN)),
        ("app:app", [*tree(app="import shop.views\n", shop__views=BROKEN), package("shop")]),
        ("app:app", [*tree(app="from shop import views\n", shop__views=BROKEN), package("shop")]),
        ("app:app", tree(app="from shop import views\n", shop__views=BROKEN)),
        ("app:app", [*tree(app="import shop.views\n", shop__views=GOOD), package("shop", BROKEN)]),
        ("app:app", tree(app="import shop\n", src__shop=BROKEN)),
        ("app:app", tree(src__app=BROKEN)),
        ("shop.web:app", [*tree(shop__web="from . import x\n", shop__x=BROKEN), package("shop")]),
        ("shop.web:app", [*tree(shop__web="from .x import y\n", shop__x=BROKEN), package("shop")]),
        ("shop.web:app", [*tree(shop__web=GOOD), package("shop", BROKEN)]),
        ("web/main.py:app", tree(web__main="import shop\n", web__shop=BROKEN)),
    ],
)
def test_what_the_application_imports_first_is_refused(
    entrypoint: str, entries: list[Entry]
) -> None:
    with pytest.raises(ConfigurationError, match=r"py, line 1: .*: def \(:; mend it first$"):
        check(entries, entrypoint)


@pytest.mark.parametrize(
    "entries",
    [
        tree(app=GOOD, tools=BROKEN),
        tree(app="try:\n    import tools\nexcept Exception:\n    pass\n", tools=BROKEN),
        tree(app="from typing import TYPE_CHECKING\nif 0:\n    import tools\n", tools=BROKEN),
        tree(app="def f():\n    import tools\n", tools=BROKEN),
        tree(app="import json\n", json=GOOD, tools=BROKEN),
        [*tree(app="from shop import x\n", shop__x=BROKEN), package("shop", "x = 1\n")],
        [*tree(app=VIEWS, shop__views=BROKEN), package("shop", "from shopping import *\n")],
        [*tree(app=VIEWS, shop__views=BROKEN), package("shop", "def __getattr__(_): return 1\n")],
        [*tree(app=VIEWS, shop__views=BROKEN), package("shop", "globals().update(x)\n")],
        tree(app="import shop\nimport app\n", shop="import app\n", tools=BROKEN),
        tree(app="from .. import tools\n", tools=BROKEN),
    ],
)
def test_what_may_never_be_imported_is_told_of_and_taken(entries: list[Entry]) -> None:
    (told,) = check(entries, "app:app")
    assert re.fullmatch(r"\S+\.py, line 1: .*: def \(:; what imports it will fail", told)


def test_of_many_such_files_the_first_are_told_and_how_many_more_there_are() -> None:
    told = check(tree(app=GOOD, **{f"old{number}": BROKEN for number in range(9)}), "app:app")
    assert len(told) == 6
    assert told[-1] == "4 more files like these"


def test_what_python_warns_of_is_no_fault_and_is_not_printed(
    recwarn: pytest.WarningsRecorder,
) -> None:
    warned = tree(app="import shop\nx = 1 is 1\ny = '\\d'\nassert (x, y)\n", shop=BROKEN)
    for action in ("always", "error"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            with pytest.raises(ConfigurationError, match=r"imported: shop\.py, line 1"):
                check(warned, "app:app")
    assert recwarn.list == []


def test_a_python_that_is_older_than_the_images_judges_nothing() -> None:
    major, minor = IMAGE_PYTHON
    assert check(tree(app=BROKEN), "app:app", (major, minor - 1)) == []


def test_what_is_too_deep_for_this_process_is_left_to_the_pods() -> None:
    assert check(tree(app="(" * 150 + "1" + ")" * 150, x="-" * 100_000 + "1"), "app:app") == []
