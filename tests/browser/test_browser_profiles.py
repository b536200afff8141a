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


def test_a_preset_and_the_next_user_can_be_undone_by_the_back_button(page: "Page", server: str) -> None:
    page.goto(f"{server}/?user=17")
    says(settle(page), "user 17")
    side(page).get_by_role("button", name="Find users").click()
    page.get_by_text("Loves Mecha, avoids Romance").click()
    page.wait_for_url(lambda url: "user=17" not in url)
    loves = user_of(page)
    says(settle(page), f"user {loves}")
    says(page.get_by_test_id("stPopoverBody"), "no liked item of Romance")
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


def test_a_user_is_found_by_taste(page: "Page", server: str) -> None:
    page.goto(server)
    settle(page)
    side(page).get_by_role("button", name="Find users").click()
    finder = page.get_by_test_id("stPopoverBody")
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


def test_the_copied_link_contains_an_edited_profile(visitor: "Callable[..., Page]", server: str) -> None:
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
    other.goto(copied)
    says(settle(other), "user 13, edited (+1)")
    says(side(other), "Undo all edits")
    comes_to_read(settle(other), shown)
    side(other).get_by_role("button", name=FULLMETAL, exact=True).click()  # undoes the like
    other.wait_for_url(lambda url: "liked" not in url)
    assert "edited" not in settle(other).inner_text()
    assert "edited" in settle(page).inner_text()


def test_a_link_opens_the_same_view_and_is_shown_where_there_is_no_clipboard(
    visitor: "Callable[..., Page]", server: str
) -> None:
    shown, address = "", f"{server}/sampling?user=17&item=36&seed=3&noise=true"
    for _ in range(2):
        page = visitor()
        page.add_init_script(
            "Object.defineProperty(navigator, 'clipboard', {}); document.execCommand = () => false"
        )
        page.goto(address)
        settle(page)
        page.get_by_test_id("stSkeleton").first.wait_for(state="detached")
        comes_to_read(settle(page), shown or settle(page).inner_text())
        shown = settle(page).inner_text()
        page.get_by_role("button", name="Copy link").click()
        address = page.get_by_role("textbox", name="Link to this view").input_value()
    assert address.startswith(f"{server}/sampling?artifact=demo&profile=viewer&user=17&item=36&")


def test_two_sessions_have_separate_profiles(visitor: "Callable[..., Page]", server: str) -> None:
    one, other = visitor(), visitor()
    one.goto(f"{server}/?user=17&disliked=36")
    other.goto(f"{server}/?user=17")
    says(settle(one), "user 17, edited (\u22121)")
    says(settle(other), "user 17")
    side(one).get_by_role("button", name="Next", exact=True).click()
    says(settle(one), "user 18")
    side(other).get_by_text("Custom profile", exact=True).click()
    says(settle(other), "This profile has no item yet")
    assert "edited" not in settle(other).inner_text()
    assert "user 18" in settle(one).inner_text()


def test_users_can_be_found_on_a_phone(visitor: "Callable[..., Page]", server: str) -> None:
    page = visitor(width=420)
    page.goto(server)
    settle(page)
    page.get_by_test_id("stExpandSidebarButton").click()
    side(page).get_by_role("button", name="Find users").click()
    body = page.get_by_test_id("stPopoverBody")
    box = body.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 420
    body.get_by_text("New user").click()
    page.wait_for_url(re.compile(r"user=\d+"))
