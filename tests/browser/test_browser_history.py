"""The back button: each action adds one entry to the history, and Back restores the former view."""

import os
import re
import shutil
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


def view(page: "Page") -> list[str]:
    """What identifies the view: the headings, also those of the cards, and the sidebar's fields."""
    settle(page)
    page.get_by_test_id("stSkeleton").first.wait_for(state="detached")  # parts that are still being loaded
    return [
        *page.get_by_role("heading").all_inner_texts(),
        *side(page).locator("input").evaluate_all("all => all.map(field => field.value)"),
    ]


def comes_back(page: "Page", shown: list[str]) -> None:
    for _ in range(20):
        if view(page) == shown:
            return
        page.wait_for_timeout(250)
    assert view(page) == shown


def button(name: str) -> "Callable[[Page], Locator]":
    return lambda page: page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True).first


def in_sidebar(name: str) -> "Callable[[Page], Locator]":
    return lambda page: side(page).get_by_role("button", name=name, exact=True)


def link(name: str) -> "Callable[[Page], Locator]":
    return lambda page: side(page).get_by_role("link", name=name).first


def in_row(key: str) -> "Callable[[Page], Locator]":
    return lambda page: page.locator(f"[class*='st-key-{key.replace(' ', '-')}']").first.get_by_role("button")


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
    "more like a title": (f"?{EDITED}", in_row("act_more"), r"near=\d+"),
    "a title like it": (f"?{EDITED}&near=36", in_row("act_similar_more"), r"near=(?!36\b)\d+"),
    "explain, below the list": (f"?{EDITED}", in_row("why_because_why"), r"/sampling\?.*item=\d+"),
    "explain a new title": (f"?{EDITED}", in_row("why_explain new"), r"/sampling\?.*item=\d+"),
    "like a title": (f"?{EDITED}", in_row("act_like"), r"liked=505%2C\d+"),
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


SHORT = (
    "explain",
    "more like a title",
    "the map's title",
    "the next title",
    "the counterfactual",
    "the next user",
    "undo",
    "another model",
    "a stop of the walk",
)


@pytest.mark.parametrize("action", ACTIONS if os.environ.get("DSKREG_LONG") == "1" else SHORT)
def test_one_action_adds_one_entry_and_back_undoes_it(page: "Page", server: str, action: str) -> None:
    start, click, leads_to = ACTIONS[action]
    page.goto(f"{server}/{start}")
    says(settle(page), re.compile(r"\S"))
    page.wait_for_timeout(1000)  # the URL is corrected, the page drawn to its end
    left, place, shown = page.url, page.evaluate(PLACE), view(page)
    click(page).click()
    page.wait_for_url(re.compile(leads_to))
    settle(page)
    assert page.evaluate(PLACE) == place + 1
    there = page.url
    page.go_back()
    comes_back(page, shown)
    assert page.url == left and page.evaluate(PLACE) == place
    page.go_forward()
    settle(page)
    assert page.url == there and page.evaluate(PLACE) == place + 1


def test_several_actions_add_as_many_entries(page: "Page", server: str) -> None:
    """To another user, to a recommendation, to the next one, and back through the same views."""
    page.goto(f"{server}/?user=17&top=5")
    says(settle(page), "user 17")
    place, ways = page.evaluate(PLACE), [page.url]
    for click, leads_to in (
        (in_sidebar("Next"), "user=18"),
        (second_card, r"/sampling\?.*item=\d+"),
        (button("Next"), None),
    ):
        click(page).click()
        page.wait_for_url(re.compile(leads_to) if leads_to else lambda url: url != ways[-1])
        settle(page)
        ways.append(page.url)
        assert page.evaluate(PLACE) == place + len(ways) - 1
    for way in reversed(ways[:-1]):
        page.go_back()
        settle(page)
        assert page.url == way
    says(settle(page), "user 17")


def test_a_double_click_adds_one_entry(page: "Page", server: str) -> None:
    page.goto(f"{server}/?{EDITED}")
    settle(page)
    left, place = page.url, page.evaluate(PLACE)
    second_card(page).dblclick()
    page.wait_for_url(re.compile(r"/sampling\?.*item=\d+"))
    settle(page)
    assert page.evaluate(PLACE) == place + 1
    page.go_back()
    settle(page)
    assert page.url == left
