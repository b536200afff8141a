"""axe-core on every page, in both themes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from walk import settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_barrier(visitor: "Callable[..., Page]", server: str, scheme: str) -> None:
    """axe-core finds nothing serious or critical, Streamlit's own parts and the drawing's frame included; no exception is needed."""
    from axe_playwright_python.sync_playwright import Axe

    page, found = visitor(color_scheme=scheme), []
    for name in ("?profile=mine&titles=36&genres=Action&item=nothing", "sampling", "embeddings", "model"):  # the first with chips and a notice
        page.goto(f"{server}/{name}")
        settle(page)
        barriers: list[tuple[str, ...]] = []
        for _ in range(4):  # what is fading in, or waits for its style sheet, has no contrast yet: a barrier is what stays
            page.wait_for_timeout(750)
            barriers = [
                (name, finding["id"], finding["nodes"][0]["html"][:200], finding["nodes"][0]["failureSummary"])
                for frame in page.frames
                for finding in Axe().run(frame).response["violations"]
                if finding["impact"] in ("serious", "critical")
            ]
            if not barriers:
                break
        found += barriers
    assert found == []
