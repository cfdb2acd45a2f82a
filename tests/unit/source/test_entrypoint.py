"""Which file an entrypoint means: in a pod that fetches a source, and before a push."""

from pathlib import Path

import pytest

from immutant.contract.entrypoints import candidates
from immutant.errors import ConfigurationError
from immutant.remote.packing import File, check_entrypoint
from immutant.source import entrypoint

SAME = [
    ("app:app", "app.py"),
    ("app", "src/app.py"),
    ("shop.web:app", "shop/web/__init__.py"),
    ("web/main.py:app", "web/main.py"),
    ("./web/main.py:app", "web/main.py"),
]


@pytest.mark.parametrize(("named", "file"), SAME)
def test_what_may_be_pushed_is_what_the_pods_accept(named: str, file: str, tmp_path: Path) -> None:
    check_entrypoint([File(file, b"")], named, "demo")
    place = tmp_path / file
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()
    entrypoint.check(named, tmp_path)
    place.unlink()
    told = f"the source has no {candidates(named)[0]}, "
    with pytest.raises(ConfigurationError, match=told):
        entrypoint.check(named, tmp_path)
    with pytest.raises(ConfigurationError, match=told):
        check_entrypoint([File("other.py", b"")], named, "demo")
