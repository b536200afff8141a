"""People and profiles: found, stepped through, changed, shared by link, kept apart."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from walk import comes_to_read, says, settle

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

FULLMETAL = "Fullmetal Alchemist"


def side(page: "Page") -> "Locator":
    return page.get_by_test_id("stSidebar")


def viewer_of(page: "Page") -> str:
    found = re.search(r"[?&]user=(\d+)", page.url)
    return found[1] if found else ""


def test_a_preset_then_the_next_and_the_back_button(page: "Page", server: str) -> None:
    page.goto(f"{server}/?user=17")
    says(settle(page), "viewer 17")
    side(page).get_by_role("button", name="Find people").click()
    page.get_by_text("Loves Mecha, avoids Romance").click()
    page.wait_for_url(lambda url: "user=17" not in url)
    loves = viewer_of(page)
    says(settle(page), f"viewer {loves}")
    says(page.get_by_test_id("stPopoverBody"), "not one liked title of Romance")
    page.keyboard.press("Escape")
    side(page).get_by_role("button", name="Next", exact=True).click()
    page.wait_for_url(lambda url: f"user={loves}" not in url)
    following = viewer_of(page)
    says(settle(page), f"viewer {following}")
    side(page).get_by_role("button", name="Previous", exact=True).click()
    says(settle(page), f"viewer {loves}")
    for former in (following, loves, "17"):
        page.go_back()
        says(settle(page), f"viewer {former}")
        assert viewer_of(page) == former
    assert side(page).get_by_role("textbox", name="Viewer id").input_value() == "17"


def test_a_viewer_is_found_by_taste(page: "Page", server: str) -> None:
    page.goto(server)
    settle(page)
    side(page).get_by_role("button", name="Find people").click()
    finder = page.get_by_test_id("stPopoverBody")
    for label, genre in (("Loves", "Sports"), ("Avoids", "Romance")):
        finder.get_by_role("combobox", name=label).click()
        page.keyboard.type(genre)
        page.keyboard.press("Enter")
        settle(page)
    finder.get_by_role("combobox", name="Matching viewers").click()
    first = page.get_by_role("option").first
    says(first, re.compile(r"^\d+ · \d+ likes · \d+\.\d bits"))
    wanted = first.inner_text().split(" · ")[0]
    first.click()
    page.wait_for_url(re.compile(rf"user={wanted}\b"))
    says(settle(page), f"viewer {wanted}")


def test_a_changed_viewer_travels_by_the_copied_link(visitor: "Callable[..., Page]", server: str) -> None:
    page = visitor(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{server}/?user=17&top=5")
    settle(page)
    side(page).get_by_text("Change this profile").click()
    side(page).get_by_role("searchbox", name="Add or take out a title").press_sequentially("fullmetal")
    side(page).get_by_role("button", name=FULLMETAL, exact=True).click()
    says(settle(page), "viewer 17, edited (+1)")
    page.wait_for_url(re.compile("liked=36"))
    page.get_by_role("button", name="Copy link").click()
    page.get_by_test_id("stCode").hover()
    page.get_by_test_id("stCode").get_by_role("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    page.keyboard.press("Escape")
    shown = settle(page).inner_text()

    other = visitor()
    other.goto(copied)
    says(settle(other), "viewer 17, edited (+1)")
    says(side(other), "Undo all changes")
    comes_to_read(settle(other), shown)
    side(other).get_by_role("button", name=FULLMETAL, exact=True).click()  # takes it back
    other.wait_for_url(lambda url: "liked" not in url)
    assert "edited" not in settle(other).inner_text()
    assert "edited" in settle(page).inner_text()


def test_the_link_is_that_of_the_page_with_its_settings(page: "Page", server: str) -> None:
    page.goto(f"{server}/sampling?user=17&item=36&seed=3&noise=true")
    settle(page)
    page.get_by_role("button", name="Copy link").click()
    shown = page.get_by_test_id("stCode").inner_text()
    assert shown.startswith(f"{server}/sampling?")
    assert {"user=17", "item=36", "seed=3", "noise=true"} <= set(shown.strip().partition("?")[2].split("&"))


def test_two_visitors_do_not_see_each_others_profile(visitor: "Callable[..., Page]", server: str) -> None:
    one, other = visitor(), visitor()
    one.goto(f"{server}/?user=17&disliked=36")
    other.goto(f"{server}/?user=17")
    says(settle(one), "viewer 17, edited (\u22121)")
    says(settle(other), "viewer 17")
    side(one).get_by_role("button", name="Next", exact=True).click()
    says(settle(one), "viewer 18")
    side(other).get_by_text("mine", exact=True).click()
    says(settle(other), "Your own profile has no title yet")
    assert "edited" not in settle(other).inner_text()
    assert "viewer 18" in settle(one).inner_text()


def test_one_finds_people_on_a_telephone(visitor: "Callable[..., Page]", server: str) -> None:
    page = visitor(width=420)
    page.goto(server)
    settle(page)
    page.get_by_test_id("stExpandSidebarButton").click()
    side(page).get_by_role("button", name="Find people").click()
    body = page.get_by_test_id("stPopoverBody")
    box = body.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 420
    body.get_by_text("A newcomer").click()
    page.wait_for_url(re.compile(r"user=\d+"))
