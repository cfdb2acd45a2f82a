"""Our pages, for all who look at them: by eye in any light, by ear, by keys, without scripts."""

import base64
import hashlib
import re
from itertools import pairwise
from typing import Any

import pytest
from starlette.responses import Response
from tests.htmlpages import Element, colours, contrast, read

from immutant.web.look import page
from immutant.web.welcome import welcome
from immutant.welcome.page import Sight, fragment, whole
from immutant.welcome.roster import Pod
from immutant.welcome.site import Site

HOSTILE = '<b>"x"</b>'
PODS = (Pod("demo-0", 4.0), Pod("demo-1", 61.0), Pod("demo-10", 7200.0))


def text(response: Response) -> str:
    return bytes(response.body).decode()


async def users() -> str:
    request: Any = None
    return text(await welcome("demo")(request))


async def pages() -> list[str]:
    cluster = Site("demo", "shop")
    sight = Sight("demo-1", PODS, 12, 3)
    silent = Sight("demo-1", PODS[:1])
    whole_ones = (whole(cluster, sight), whole(cluster, silent), whole(Site("demo"), sight))
    return [*map(text, whole_ones), await users()]


def tagged(elements: list[Element], tag: str) -> list[Element]:
    return [element for element in elements if element.tag == tag]


async def test_each_page_has_one_heading_of_its_own_its_language_and_its_landmarks() -> None:
    for shown in await pages():
        assert shown.startswith("<!doctype html>")
        found = read(shown)
        for one in ("html", "title", "header", "main", "footer", "h1"):
            assert len(tagged(found, one)) == 1, one
        assert tagged(found, "html")[0].attributes["lang"] == "en"
        assert "demo" in tagged(found, "title")[0].text
        assert "main" in [parent.tag for parent in tagged(found, "h1")[0].parents]
        headings = [int(one.tag[1]) for one in found if re.fullmatch("h[1-6]", one.tag)]
        assert headings[0] == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(headings)), (
            "no level left out"
        )


async def test_whatever_is_focused_or_stands_for_itself_has_a_name() -> None:
    for shown in await pages():
        found = read(shown)
        ids = [one.attributes["id"] for one in found if "id" in one.attributes]
        assert len(ids) == len(set(ids))
        for one in found:
            if "tabindex" in one.attributes:
                assert one.attributes["tabindex"] == "0"
                assert one.attributes["role"] == "group"
                assert one.attributes["aria-label"]
            if one.tag == "section":
                assert one.attributes["aria-labelledby"] in ids
            if one.tag == "svg":
                assert one.attributes["aria-hidden"] == "true"
            assert one.tag not in ("img", "input", "select", "textarea", "a", "button", "form")


async def test_what_scrolls_sideways_can_be_reached_by_keys() -> None:
    for shown in await pages():
        blocks = tagged(read(shown), "pre")
        assert blocks
        assert all(block.attributes.get("tabindex") == "0" for block in blocks)


async def test_a_page_may_be_zoomed_and_fits_narrow_screens() -> None:
    for shown in await pages():
        views = [one for one in read(shown) if one.attributes.get("name") == "viewport"]
        assert [view.attributes["content"] for view in views] == [
            "width=device-width, initial-scale=1"
        ]
        style = tagged(read(shown), "style")[0].text
        widths = [float(width) for width in re.findall(r"(?<![-\w])width: ([\d.]+)rem", style)]
        assert all(width <= 4 for width in widths), "nothing but the mark has a fixed width"


async def test_colours_can_be_told_apart_in_the_light_and_in_the_dark() -> None:
    style = tagged(read((await pages())[0]), "style")[0].text
    schemes = colours(style)
    assert schemes[0].keys() == schemes[1].keys()
    for scheme in schemes:
        for ink in ("ink", "muted", "accent"):
            for ground in ("ground", "card", "code"):
                assert contrast(scheme[ink], scheme[ground]) >= 4.5, (ink, ground)
        assert contrast(scheme["on-accent"], scheme["accent"]) >= 4.5
        assert contrast(scheme["live"], scheme["card"]) >= 3, "a mark, and no text"
    used = set(re.findall(r"var\(--([\w-]+)\)", style))
    assert used == set(schemes[0])
    assert re.findall(r"#[0-9a-f]{3,8}\b|\brgb", style.split("*, *::before")[1]) == []


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


async def test_nothing_moves_for_those_who_want_it_still() -> None:
    for shown in await pages():
        style = tagged(read(shown), "style")[0].text
        still = style.split("@media (prefers-reduced-motion: no-preference)")[0]
        assert re.findall("transition|animation", still) == []


async def test_a_browser_runs_and_loads_nothing_but_what_is_in_the_page() -> None:
    response = whole(Site("demo", "shop"), Sight("demo-1", PODS, 12, 3))
    found = read(text(response))
    rules = dict(
        rule.split(" ", 1) for rule in response.headers["content-security-policy"].split("; ")
    )
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    for tag in ("style", "script"):
        digest = hashlib.sha256(tagged(found, tag)[0].text.encode()).digest()
        assert rules[f"{tag}-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"
    for one in found:
        assert "style" not in one.attributes, "it would be refused"
        assert not [key for key in one.attributes if key.startswith("on")], "it would be refused"
        assert "src" not in one.attributes
        assert one.attributes.get("href", "data:").startswith("data:")
    assert "http://" not in text(response).replace("http%3A//www.w3.org/2000/svg", "")


def test_a_page_without_a_script_allows_none() -> None:
    policy = page("demo", "").headers["content-security-policy"]
    assert "script-src 'none'" in policy
    assert "connect-src 'none'" in policy


async def test_a_name_is_shown_and_never_obeyed() -> None:
    sight = Sight(HOSTILE, (Pod(HOSTILE, 0.0),), 1, 1)
    request: Any = None
    for response in (
        whole(Site(HOSTILE, HOSTILE), sight),
        whole(Site(HOSTILE), sight),
        fragment(Site(HOSTILE), sight),
        await welcome(HOSTILE)(request),
    ):
        assert tagged(read(text(response)), "b") == []


def test_the_part_that_changes_is_the_one_that_was_in_the_page() -> None:
    site, sight = Site("demo", "shop"), Sight("demo-1", PODS, 12, 3)
    part = text(fragment(site, sight))
    assert part in text(whole(site, sight))
    assert [one.text for one in tagged(read(part), "h2")] == ["3 pods"]


def test_the_pod_that_answered_is_marked_and_each_says_how_long_it_has_been_there() -> None:
    rows = tagged(read(text(fragment(Site("demo", "shop"), Sight("demo-1", PODS, 12, 3)))), "li")
    assert [row.text for row in rows] == [
        "demo-0 just started",
        "demo-1 up for 1 minute answered you",
        "demo-10 up for 2 hours",
    ]


def test_the_commands_are_those_of_this_app_in_its_namespace() -> None:
    shown = read(text(whole(Site("till", "shop"), Sight("till-0", (Pod("till-0", 1.0),), 1, 1))))
    commands = "\n".join(one.text for one in tagged(shown, "pre")).split("\n")
    assert commands == [
        "git remote add till immutant://shop/till",
        "git push till main",
        "kubectl scale immutantapp till --replicas=2 -n shop",
        "kubectl delete pod till-0 -n shop",
    ]


def test_where_there_are_three_pods_the_page_says_how_to_have_a_fourth() -> None:
    for site, command in (
        (Site("demo", "default"), "kubectl scale immutantapp demo --replicas=4"),
        (Site("demo"), "immutant scale 4"),
    ):
        shown = text(whole(site, Sight("demo-0", PODS, 1, 1)))
        assert "Give it another" in shown
        assert command in "\n".join(one.text for one in tagged(read(shown), "pre")).split("\n")


def test_the_default_namespace_need_not_be_named() -> None:
    shown = read(text(whole(Site("demo", "default"), Sight("demo-0", PODS[:1], 1, 1))))
    commands = "\n".join(one.text for one in tagged(shown, "pre")).split("\n")
    assert commands[0] == "git remote add demo immutant://demo"
    assert commands[2] == "kubectl scale immutantapp demo --replicas=2"


def test_on_a_laptop_the_commands_are_those_of_a_laptop() -> None:
    shown = text(whole(Site("till"), Sight("till-0", (Pod("till-0", 1.0),), 1, 1)))
    assert "kubectl" not in shown
    commands = "\n".join(one.text for one in tagged(read(shown), "pre"))
    assert "immutant scale 2" in commands


@pytest.mark.parametrize(
    ("namespace", "count", "said"),
    [("shop", 1, "go with it"), ("shop", 2, "two copies"), ("", 1, "a file")],
)
def test_what_becomes_of_the_numbers_is_said_as_it_is(
    namespace: str, count: int, said: str
) -> None:
    assert said in text(fragment(Site("demo", namespace), Sight("demo-0", PODS[:count], 1, 1)))


async def test_a_page_is_small() -> None:
    assert all(len(shown) < 12_000 for shown in await pages())
