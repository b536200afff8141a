"""Accessibility: axe-core on every page, in both themes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from walk import settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


PAGES = (
    "?profile=mine&titles=36&genres=Action&item=nothing",  # with chips and a notice
    "?user=17&view=table&diversity=40",
    "sampling",
    "what_if?user=17&no_relations=franchise",
    "compare",
    "compare?all_four=true",
    "compare?what=people&other=18",
    "compare?what=items&other_title=36",
    "embeddings",
    "embeddings?map=users",
    "model",
    "runs?models=demo",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_accessibility_violation(
    visitor: "Callable[..., Page]", server: str, scheme: str
) -> None:
    """Streamlit's own elements and frames are included, without exceptions."""
    page = visitor(color_scheme=scheme)
    found = []
    for name in PAGES:
        page.goto(f"{server}/{name}")
        settle(page)
        found += violations(page, name)
    assert found == []


def violations(page: "Page", name: str) -> list[tuple[str, ...]]:
    """Serious or critical findings that persist: elements that are fading in have no contrast yet."""
    from axe_playwright_python.sync_playwright import Axe

    found: list[tuple[str, ...]] = []
    for _ in range(4):
        page.wait_for_timeout(500)
        found = [
            (name, finding["id"], finding["nodes"][0]["html"][:200], finding["nodes"][0]["failureSummary"])
            for frame in page.frames
            for finding in Axe().run(frame).response["violations"]
            if finding["impact"] in ("serious", "critical")
        ]
        if not found:
            break
    return found
