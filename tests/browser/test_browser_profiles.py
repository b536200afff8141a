"""Users and profiles: finding, stepping, editing, sharing by link, separate sessions."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from walk import comes_to_read, says, settle, side

if TYPE_CHECKING:
    from playwright.sync_api import Page

FULLMETAL = "Fullmetal Alchemist"


def user_of(page: "Page") -> str:
    found = re.search(r"[?&]user=(\d+)", page.url)
    return found[1] if found else ""


def test_users_are_found_and_back_returns_to_the_former_ones(page: "Page", server: str) -> None:
    """One visit: a preset, the next user, Back; by taste; on a phone."""
    page.goto(f"{server}/?user=17")
    says(settle(page), "user 17")
    find = side(page).get_by_role("button", name="Find users")
    finder = page.get_by_test_id("stPopoverBody")
    find.click()
    page.get_by_text("Loves Mecha, avoids Romance").click()
    page.wait_for_url(lambda url: "user=17" not in url)
    loves = user_of(page)
    says(settle(page), f"user {loves}")
    says(finder, "no liked item of Romance")
    page.keyboard.press("Escape")
    side(page).get_by_role("button", name="Next", exact=True).click()
    page.wait_for_url(lambda url: f"user={loves}" not in url)
    following = user_of(page)
    says(settle(page), f"user {following}")
    side(page).get_by_role("button", name="Previous", exact=True).click()
    says(settle(page), f"user {loves}")
    for former in (following, loves, "17"):
        page.go_back()
        says(settle(page), f"user {former}")
        assert user_of(page) == former
    assert side(page).get_by_role("textbox", name="User id").input_value() == "17"
    # By taste, with the keyboard
    find.click()
    for label, genre in (("Loves", "Sports"), ("Avoids", "Romance")):
        finder.get_by_role("combobox", name=label).click()
        page.keyboard.type(genre)
        page.keyboard.press("Enter")
        settle(page)
    finder.get_by_role("combobox", name="Matching users").click()
    first = page.get_by_role("option").first
    says(first, re.compile(r"^\d+ · \d+ likes · \d+\.\d bits"))
    wanted = first.inner_text().split(" · ")[0]
    first.click()
    page.wait_for_url(re.compile(rf"user={wanted}\b"))
    says(settle(page), f"user {wanted}")
    page.keyboard.press("Escape")
    # On a phone
    page.set_viewport_size({"width": 420, "height": 1000})
    page.get_by_test_id("stExpandSidebarButton").click()
    find.click()
    finder.wait_for()
    box = finder.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 420
    finder.get_by_text("New user").click()
    page.wait_for_url(lambda url: f"user={wanted}" not in url)


def test_a_copied_link_contains_the_edits_and_belongs_to_its_session(
    visitor: "Callable[..., Page]", server: str
) -> None:
    page = visitor(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{server}/?user=13&top=5")
    settle(page)
    side(page).get_by_text("Edit profile").click()
    side(page).get_by_role("searchbox", name="Add or remove").press_sequentially("fullmetal")
    side(page).get_by_role("button", name=FULLMETAL, exact=True).click()
    says(settle(page), "user 13, edited (+1)")
    page.wait_for_url(re.compile("liked=36"))
    shown = settle(page).inner_text()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Link copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")

    other = visitor()
    other.add_init_script(
        "Object.defineProperty(navigator, 'clipboard', {}); document.execCommand = () => false"
    )
    other.goto(copied)
    says(settle(other), "user 13, edited (+1)")
    says(side(other), "Undo all edits")
    comes_to_read(settle(other), shown)
    # Where there is no clipboard the same link is shown
    other.get_by_role("button", name="Copy link").click()
    assert other.get_by_role("textbox", name="Link to this view").input_value() == copied
    # The other session changes its own profile only
    side(other).get_by_role("button", name=FULLMETAL, exact=True).click()  # undoes the like
    other.wait_for_url(lambda url: "liked" not in url)
    assert "edited" not in settle(other).inner_text()
    side(other).get_by_text("Custom profile", exact=True).click()
    says(settle(other), "This profile has no item yet")
    assert "user 13, edited (+1)" in settle(page).inner_text()
