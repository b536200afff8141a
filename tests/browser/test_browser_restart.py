"""The server dies under a visitor's hands and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from walk import says, settle

from benchmarks.served import await_health, launch

if TYPE_CHECKING:
    from playwright.sync_api import Page

ADDRESS = "sampling?user=34&item=12&seed=3&noise=true"


def test_a_server_that_was_killed_and_started_again_shows_the_same_view(page: Page) -> None:
    with launch() as (address, process):
        await_health(address, process)
        page.goto(f"{address}/{ADDRESS}")
        says(settle(page), "How the score adds up")
        page.locator(".js-plotly-plot").first.wait_for()
        page.wait_for_load_state("networkidle")
        heading, link = page.locator("h2").first.inner_text(), page.url
        process.kill()
        process.wait()
        page.get_by_text("Connecting").or_(page.get_by_text("Is Streamlit still running?")).first.wait_for()
    with launch(port=int(address.rpartition(":")[2])) as (again, process):
        assert again == address
        await_health(again, process)
        # Streamlit's page looks for the server again by itself, and asks for what its address says.
        says(page.locator("[data-testid='stMain']"), "Viewer 34")
        page.get_by_text("Is Streamlit still running?").wait_for(state="hidden")
        says(settle(page), "How the score adds up")
        assert page.locator("h2").first.inner_text() == heading and page.url == link
        page.get_by_role("link", name="What if").first.click()
        says(settle(page), "The smallest reason")
        assert "viewer 34" in page.inner_text("[data-testid='stMain']").lower()
        page.goto("about:blank")
