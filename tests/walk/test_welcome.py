"""The welcome page on real replicas: what a visitor sees while they come and go."""

import http.cookiejar
import json
import re
import urllib.request
from pathlib import Path

from tests.polling import until
from tests.walk.laptop import Laptop, laptop

WELCOME = Path("immutant.welcome:app")


def names(run: Laptop) -> list[str]:
    with urllib.request.urlopen(run.url("/pods"), timeout=5) as answer:
        return [pod["name"] for pod in json.load(answer)["pods"]]


def until_listed(run: Laptop, *wanted: str) -> None:
    until(lambda: names(run) == list(wanted), f"{wanted} are listed", patience=20, poll=0.2)


def test_the_page_shows_who_is_there_and_a_visitor_loses_no_count(tmp_path: Path) -> None:
    with laptop(tmp_path, WELCOME, 2) as run:
        run.until_up(2)
        until_listed(run, "demo-0", "demo-1")
        jar = http.cookiejar.CookieJar()
        visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

        def visit() -> tuple[str, list[int]]:
            with visitor.open(run.url("/"), timeout=5) as answer:
                page = answer.read().decode()
            here = re.findall(r'class="here"><span class="name">([\w-]+)', page)
            return here[0], [int(number) for number in re.findall(r"<dd>(\d+)</dd>", page)]

        first, counts = visit()
        assert counts == [1, 1]
        assert visit() == (first, [2, 2]), "the cookie keeps a browser on its replica"
        run.verb("stop", first)
        other, counts = visit()
        assert (other != first, counts) == (True, [3, 3])
        until_listed(run, other)
        run.verb("start", first)
        until_listed(run, "demo-0", "demo-1")
        run.verb("scale", "3")
        until_listed(run, "demo-0", "demo-1", "demo-2")
        assert run.interrupt() == 0
