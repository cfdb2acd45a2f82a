import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from immutant.errors import ConfigurationError
from immutant.serve.loading import load_app, module_of


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def written(folder: Path, text: str) -> str:
    (folder / "some_app.py").write_text(text)
    return str(folder / "some_app.py")


def test_an_app_is_found_in_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, 'from immutant import App\napp = App("x")\nother = App("y")\n')
    assert load_app(path).name == "x"
    assert load_app(f"{path}:other").name == "y"


def test_the_module_of_an_app_is_the_one_that_was_imported(tmp_path: Path) -> None:
    path = written(tmp_path, 'from immutant import App\napp = App("x")\n')
    app = load_app(path)
    assert module_of(path).app is app


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0", "cannot be imported; mend this first"),
        ("def (", "cannot be imported; mend this first"),
        ("import no_such_module_here", "No module named 'no_such_module_here'"),
        ("raise SystemExit(3)", "cannot be imported"),
        ("x = 1", "defines no application"),
        ("app = 1", "is no immutant.App"),
        ('from immutant import App\nmine = App("x")\n', "some_app.py:mine"),
        (
            (
                'from immutant import App\napp = App("x")\n'
                "@app.daemon\ndef a(): ...\n@app.daemon(name='a')\ndef b(): ...\n"
            ),
            "daemon 'a' is defined twice",
        ),
        (
            'from immutant import App\napp = App("x")\n@app.job(cron="* *")\ndef a(): ...\n',
            "is no cron expression",
        ),
    ],
)
def test_what_is_no_application_is_said_with_the_remedy(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_app(written(tmp_path, text))


def test_a_users_traceback_begins_with_the_users_own_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_app(written(tmp_path, "def broken():\n    return 1 / 0\n\nbroken()\n"))
    said = str(caught.value)
    assert "line 4" in said
    assert "ZeroDivisionError" in said
    assert "importlib" not in said


@pytest.mark.parametrize("text", ["import no_such_module_here\n", "import broken_here\n"])
def test_no_frame_of_pythons_importing_is_in_a_users_traceback(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, text)
    (tmp_path / "broken_here.py").write_text("try:\n    1 / 0\nfinally:\n    import gone_here\n")
    with pytest.raises(ConfigurationError) as caught:
        load_app("some_app:app")
    said = str(caught.value)
    assert "importlib" not in said
    assert "loading.py" not in said
    assert said.splitlines()[0] == "some_app cannot be imported; mend this first:"
    assert f'File "{tmp_path / "some_app.py"}", line 1' in said
    assert said.splitlines()[-1].startswith("ModuleNotFoundError: No module named ")


def test_a_missing_file_or_module_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no file"):
        load_app(str(tmp_path / "none.py"))
    with pytest.raises(ConfigurationError, match="there is no module"):
        load_app("no_such_module_here:app")
