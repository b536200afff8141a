"""The back button: each action adds one entry to the history, and Back restores the former view."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from walk import says, settle, side

from benchmarks.served import ROOT, serve

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

EDITED = "user=17&liked=505&disliked=1&top=5"
PLACE = "navigation.currentEntry.index"  # history.length does not fall on Back


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with two models of the same data."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("demo", "twin"):
        shutil.copytree(ROOT / "artifacts" / "demo", folder / name)
    with serve(DSKREG_ARTIFACTS=str(folder)) as address:
        yield address


def at(page: "Page") -> tuple[str, int, list[str]]:
    """The URL, the place in the history, and what identifies the view: the headings, also those of the cards,
    and the sidebar's fields.
    """
    shown = [
        *page.get_by_role("heading").all_inner_texts(),
        *side(page).locator("input").evaluate_all("all => all.map(field => field.value)"),
    ]
    return page.url, page.evaluate(PLACE), shown


def drawn(page: "Page") -> tuple[str, int, list[str]]:
    """Where the page is once it is drawn to its end and its URL is corrected; earlier a click may miss."""
    settle(page)
    page.get_by_role("button", name="Copy link").wait_for()  # the last thing that the script draws
    page.get_by_test_id("stSkeleton").first.wait_for(state="detached")  # parts that are still being loaded
    before = at(page)
    for _ in range(40):
        page.wait_for_timeout(250)
        if (now := at(page)) == before:
            return now
        before = now
    raise AssertionError(f"still being drawn: {before}")


def comes_back(page: "Page", place: tuple[str, int, list[str]]) -> None:
    for _ in range(40):
        if at(page) == place:
            return
        page.wait_for_timeout(250)
    assert at(page) == place


def button(name: str) -> "Callable[[Page], Locator]":
    return lambda page: page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True).first


def in_sidebar(name: str) -> "Callable[[Page], Locator]":
    return lambda page: side(page).get_by_role("button", name=name, exact=True)


def link(name: str) -> "Callable[[Page], Locator]":
    return lambda page: side(page).get_by_role("link", name=name).first


def in_row(key: str, act: str) -> "Callable[[Page], Locator]":
    return lambda page: page.locator(f".st-key-{key} [data-act={act}]").first


def preset(page: "Page") -> "Locator":
    in_sidebar("Find users")(page).click()
    return page.get_by_text("Loves Mecha, avoids Romance")


def custom_profile(page: "Page") -> "Locator":
    return side(page).get_by_text("Custom profile", exact=True)


def another_model(page: "Page") -> "Locator":
    side(page).get_by_role("combobox", name="Model").click()
    return page.get_by_role("option", name="twin")


def second_card(page: "Page") -> "Locator":
    return page.get_by_role("button", name="Why").nth(1)


def table_title(page: "Page") -> "Locator":
    return page.get_by_role("button", name="Why").first


# The page at the start, what is clicked, and a part of the URL that it leads to
ACTIONS: "dict[str, tuple[str, Callable[[Page], Locator], str]]" = {
    "explain": (f"?{EDITED}", second_card, r"/sampling\?.*item=\d+"),
    "explain, from a list with settings": (
        f"?{EDITED}&diversity=40&hide_seen=false&item=36",
        second_card,
        r"/sampling\?.*item=\d+",
    ),
    "the table's title": (f"?{EDITED}&view=table", table_title, r"/sampling\?.*item=\d+"),
    "the map's title": (
        f"embeddings?{EDITED}&item=36",
        button("Show sampled neighbours"),
        r"/sampling\?.*item=36",
    ),
    "one of two titles": (
        f"compare?{EDITED}&what=items&other_title=5",
        button("Why?"),
        r"/sampling\?.*item=\d+",
    ),
    "the next title": (f"sampling?{EDITED}", button("Next"), r"item=\d+"),
    "the counterfactual": (f"what_if?{EDITED}&item=36", button("Apply"), r"without=\d+"),
    "the next user": (f"sampling?{EDITED}&item=36", in_sidebar("Next"), "user=18"),
    "a preset": (f"?{EDITED}", preset, r"user=(?!17\b)\d+"),
    "a custom profile": (f"?{EDITED}", custom_profile, "profile=mine"),
    "a person on the map": (
        f"embeddings?{EDITED}&map=users&point=3",
        button("Use this profile"),
        r"user=3\b",
    ),
    "the other user": (f"compare?{EDITED}&what=users&other=3", button("Swap"), r"user=3\b"),
    "another page": (f"?{EDITED}&view=table", link("Compare"), "/compare"),
    "the tour": (f"sampling?{EDITED}", button("Take the tour"), r"/\?"),
    "more like a title": (f"?{EDITED}", in_row("cards", "more"), r"near=\d+"),
    "a title like it": (f"?{EDITED}&near=36", in_row("similar", "more"), r"near=(?!36\b)\d+"),
    "explain, below the list": (f"?{EDITED}", in_row("because", "why"), r"/sampling\?.*item=\d+"),
    "explain a new title": (f"?{EDITED}", in_row("newcomers", "why"), r"/sampling\?.*item=\d+"),
    "like a title": (f"?{EDITED}", in_row("cards", "like"), r"liked=505%2C\d+"),
    "two models of the list": (
        "runs?models=demo&models=twin",
        lambda page: page.get_by_role("link", name="Compare their lists"),
        r"/compare\?.*what=models",
    ),
    "undo": (f"?{EDITED}", in_sidebar("Undo all edits"), r"\?user=17&top=5$"),
    "another model": (f"?{EDITED}", another_model, "artifact=twin"),
    "a model of the list": ("runs?models=twin", button("Open twin"), r"/\?.*artifact=twin"),
    "a stop of the walk": (
        f"sampling?{EDITED}&item=36&show=Traverse&trail=36,5",
        button("Select this item"),
        r"item=5\b",
    ),
}


def onward(page: "Page", act: "Callable[[Page], object]", leads_to: str) -> tuple[str, int, list[str]]:
    """Act, which adds one entry; where the page was before."""
    former = drawn(page)
    act(page)
    page.wait_for_url(re.compile(leads_to))
    assert drawn(page)[1] == former[1] + 1, leads_to
    return former


def there_and_back(page: "Page", act: "Callable[[Page], object]", leads_to: str) -> None:
    """Act, which adds one entry, and go back to where the page was."""
    former = onward(page, act, leads_to)
    page.go_back()
    comes_back(page, former)


def press(find: "Callable[[Page], Locator]") -> "Callable[[Page], None]":
    return lambda page: find(page).click()


def double_click(page: "Page") -> None:
    """The second click 0.1 s after the first by the clock of the events, and only once the first has changed
    the URL, as on a busy machine.
    """
    target = second_card(page)
    target.scroll_into_view_if_needed()
    box, now = target.bounding_box(), time.time()
    assert box
    where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "button": "left"}
    session, left = page.context.new_cdp_session(page), page.url
    for count, kind, after in (
        (1, "mousePressed", 0.0),
        (1, "mouseReleased", 0.02),
        (2, "mousePressed", 0.1),
        (2, "mouseReleased", 0.12),
    ):
        if kind == "mousePressed" and count == 2:
            page.wait_for_url(lambda url: url != left)
        session.send(
            "Input.dispatchMouseEvent", {**where, "type": kind, "clickCount": count, "timestamp": now + after}
        )
    session.detach()


def test_each_action_adds_one_entry_and_back_undoes_it(page: "Page", server: str) -> None:
    """One walk over four pages, with a way back after each action, and the whole way back at its end."""
    # The first link to a fresh server may name any page
    page.goto(f"{server}/embeddings?{EDITED}&item=36")
    says(settle(page), "Colour by")
    says(side(page), "Recommendations")
    assert page.get_by_text("Page not found").count() == 0
    # The embeddings: also forward again
    former = onward(page, press(button("Show sampled neighbours")), r"/sampling\?.*item=36")
    there = at(page)
    page.go_back()
    comes_back(page, former)
    page.go_forward()
    comes_back(page, there)
    page.go_back()
    comes_back(page, former)
    ways = [onward(page, press(link("Recommendations")), r"/\?")]
    # The recommendations
    another = r"/sampling\?.*item=(?!36\b)\d+"
    there_and_back(page, press(second_card), another)
    there_and_back(page, double_click, another)
    there_and_back(page, press(in_row("cards", "more")), r"near=\d+")
    former = onward(page, press(in_sidebar("Next")), r"user=18\b")
    in_row("cards", "note")(page).click()
    page.get_by_role("dialog").wait_for()
    page.go_back()
    comes_back(page, former)
    page.get_by_role("dialog").wait_for(state="detached")
    there_and_back(page, press(in_sidebar("Undo all edits")), r"/\?(?!.*liked)")
    there_and_back(page, press(another_model), "artifact=twin")
    # Another user and an item of the list, without a way back
    ways.append(onward(page, press(in_sidebar("Next")), r"user=18\b"))
    ways.append(onward(page, press(second_card), another))
    selected = re.search(r"item=\d+", page.url)
    assert selected
    there_and_back(page, press(button("Next")), rf"(?<!{selected[0]})$")
    ways.append(onward(page, press(link("What if")), "/what_if"))
    there_and_back(page, press(button("Apply")), r"without=\d+")
    for way in reversed(ways):
        page.go_back()
        comes_back(page, way)


@pytest.mark.skipif(os.environ.get("DSKREG_LONG") != "1", reason="DSKREG_LONG=1 tries each action on its own")
@pytest.mark.parametrize("action", ACTIONS)
def test_one_action_adds_one_entry_and_back_undoes_it(page: "Page", server: str, action: str) -> None:
    start, click, leads_to = ACTIONS[action]
    page.goto(f"{server}/{start}")
    former = onward(page, press(click), leads_to)
    there = at(page)
    page.go_back()
    comes_back(page, former)
    page.go_forward()
    comes_back(page, there)
