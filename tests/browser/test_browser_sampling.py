"""The sampling page."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from walk import comes_to_read, says, settle

from dskreg.explorer import Explorer

if TYPE_CHECKING:
    from playwright.sync_api import Page

DEMO = Path(__file__).parents[2] / "artifacts" / "demo"
PANELS = (
    "Candidates",
    "Relations",
    "Attribution",
    "Stability&times=100",
    "Compare+samples",
    "Traverse",
    "Degrees",
)


def test_a_copied_link_opens_the_same_view(page: "Page", server: str) -> None:
    page.goto(f"{server}/sampling?user=17&item=36")
    says(settle(page), "Fullmetal Alchemist")
    page.get_by_role("button", name="Resample").click()
    says(settle(page), re.compile(r"The model samples \d+ of 80 candidates\."))
    page.wait_for_url(re.compile("noise=true"))
    settle(page)
    page.get_by_role("button", name="Resample").click()
    page.wait_for_url(re.compile("seed=1"))
    settle(page)
    page.get_by_role("tab", name="Compare samples").click()
    page.wait_for_url(re.compile("show=Compare"))
    says(settle(page), re.compile("Both samples have the same seed"))
    page.get_by_role("button", name="Next seed").click()
    page.wait_for_url(re.compile("seed_b=2"))
    says(settle(page), re.compile(r"\d of 8 unchanged"))
    first = settle(page).inner_text()
    page.goto(page.url)
    says(settle(page), re.compile(r"\d of 8 unchanged"))
    comes_to_read(settle(page), first)
    assert {"user=17", "item=36", "noise=true"} <= set(page.url.partition("?")[2].split("&"))


def test_the_first_screen_shows_the_switch_and_the_decomposition(
    visitor: "Callable[..., Page]", server: str
) -> None:
    page = visitor(1400, 900)
    page.goto(f"{server}/sampling?user=17&item=446")
    main = settle(page)
    chart = main.locator(".st-key-decomposition")
    chart.locator(".barlayer path").first.wait_for()
    box, switch = chart.bounding_box(), main.locator(".st-key-rule").bounding_box()
    assert box and switch
    assert switch["y"] + switch["height"] < box["y"] and box["y"] + box["height"] <= 900
    line = main.get_by_text("expected overlap of two samples").first
    words = line.bounding_box()
    assert words and words["height"] < 24, "one line, not wrapped"
    labels = chart.locator(".ytick text").all_text_contents()
    assert labels[0] == "Own embedding" and "Sampled neighbours" in labels


def test_back_returns_to_the_served_sample(page: "Page", server: str) -> None:
    page.goto(f"{server}/sampling?user=17&item=36")
    says(settle(page), "those with the largest logits")
    page.locator(".stEChartsChart svg text").first.wait_for()
    page.locator(".st-key-decomposition .barlayer path").first.wait_for()
    served = settle(page).inner_text()
    entries = page.evaluate("history.length")
    main = settle(page)
    main.get_by_text("Gumbel sample", exact=True).click()
    page.wait_for_url(re.compile("noise=true"))
    says(main, "Seed n")
    says(main, re.compile(r"The model samples \d+ of 80 candidates\."))
    settle(page)
    assert page.evaluate("history.length") == entries + 1, "one action, one entry"
    page.go_back()
    says(main, "those with the largest logits")
    comes_to_read(settle(page), served)


def test_the_decisive_columns_are_visible_without_scrolling(
    visitor: "Callable[..., Page]", server: str
) -> None:
    page = visitor(1400, 900)
    page.goto(f"{server}/sampling?user=17&item=36&noise=true&seed=1&show=Candidates")
    main = settle(page)
    table = main.locator("[data-testid='stDataFrame']").first
    table.scroll_into_view_if_needed()
    # The grid lists, for assistive technology, the columns that it draws
    drawn = table.locator("[role=columnheader]")
    drawn.last.wait_for(state="attached")
    names = ["Candidate", "Sampled", "Logit s", "Noise G", "Key s + G", "Margin", "π", "Lift", "Via"]
    assert drawn.all_text_contents()[: len(names)] == names
    strip = main.locator(".st-key-keys_item .points path")
    strip.first.wait_for(state="attached")
    assert strip.count() == 2 * 80, "a key and a logit of each candidate"


def contrast(fill: str, ground: str) -> float:
    """Contrast of a computed colour, `rgb(r, g, b)`, with a hexadecimal one (WCAG 2)."""
    channels = [int(part) for part in re.findall(r"\d+", fill)[:3]]
    lightness = []
    for values in (channels, [int(ground[i : i + 2], 16) for i in (1, 3, 5)]):
        linear = [x / 3294.6 if x <= 10 else ((x / 255 + 0.055) / 1.055) ** 2.4 for x in values]
        lightness.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lightness) + 0.05) / (min(lightness) + 0.05)


def test_candidates_are_filtered_by_relation(page: "Page", server: str) -> None:
    page.goto(f"{server}/sampling?user=17&item=36")
    settle(page)
    page.get_by_role("tab", name="Candidates").click()
    says(settle(page), "80 candidates")
    page.get_by_label("Relations", exact=True).click()
    page.get_by_role("option", name="franchise").click()
    page.wait_for_url(re.compile("relation=franchise"))
    says(settle(page), re.compile(r"\d+ of 80 candidates"))
    page.keyboard.press("Escape")  # the open list hides the rest from assistive technology
    with page.expect_download() as download:
        page.get_by_role("button", name="Candidates (CSV)").click()
    rows = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    says(settle(page), f"{len(rows) - 1} of 80 candidates")
    assert all("franchise" in row for row in rows[1:])


def test_a_simulation_shows_charts_and_a_table(page: "Page", server: str) -> None:
    page.goto(f"{server}/sampling?user=17&item=36&show=Stability")
    says(settle(page), "Number of samples")
    page.get_by_role("radio", name="1000").or_(page.get_by_role("button", name="1000")).click()
    says(settle(page), "Over 1,000 samples")
    page.wait_for_url(re.compile("times=1000"))
    page.locator(".js-plotly-plot").nth(2).wait_for()
    page.get_by_role("tab", name="Table").click()
    page.locator("[data-testid='stDataFrame']").first.wait_for()


def test_a_traversal_goes_on_by_a_click_and_comes_back(page: "Page", server: str) -> None:
    explorer = Explorer.open(DEMO)
    around = explorer.explain(explorer.profile(17), 36).item_neighbours
    sampled = around.loc[around["picked"], "title"]
    name = sampled[(sampled.str.len() < 20) & ~sampled.str.startswith("Fullmetal")].iloc[0]
    page.goto(f"{server}/sampling?user=17&item=36&show=Traverse")
    main = settle(page)
    says(main, "Neighbours of Fullmetal Alchemist")
    label = page.locator(".stEChartsChart svg text").filter(has_text=name).first
    label.wait_for()
    label.scroll_into_view_if_needed()
    page.wait_for_timeout(800)  # the graph moves into its place
    box = label.bounding_box()
    assert box
    page.mouse.click(box["x"] - 12, box["y"] + box["height"])  # the node is left of its two lines of text
    page.wait_for_url(re.compile(r"trail=36(,|%2C)\d+"))
    says(main, f"Neighbours of {name}")
    settle(page)
    table = page.locator("[data-testid='stDataFrame']").last
    table.scroll_into_view_if_needed()
    place = table.bounding_box()
    assert place
    page.mouse.click(place["x"] + 18, place["y"] + 35 * 1.5)  # the box before the first row
    page.wait_for_url(re.compile(r"trail=36(,|%2C)\d+(,|%2C)?\d*"))
    settle(page)
    page.go_back()
    says(main, f"Neighbours of {name}")
    settle(page)
    page.locator(".st-key-crumb-0 button").click()
    says(main, re.compile("Neighbours of Fullmetal Alchemist: \\d+ sampled"))
    assert "item=36" in page.url


def test_the_html_report_needs_no_script_and_no_network(
    page: "Page", server: str, visitor: "Callable[..., Page]", tmp_path: Path
) -> None:
    page.goto(f"{server}/sampling?user=17&item=36&noise=true&seed=1")
    main = settle(page)
    says(main, re.compile(r"Score \d"))
    found = re.search(r"Score (-?\d+\.\d{3})", main.inner_text())
    assert found
    score = found[1]
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="HTML report").click()
    download.value.save_as(tmp_path / "explanation.html")
    reader = visitor(java_script_enabled=False, color_scheme="dark")
    reader.goto("about:blank")
    asked: list[str] = []
    reader.on("request", lambda sent: asked.append(sent.url))
    reader.set_content((tmp_path / "explanation.html").read_text("utf-8"))
    says(reader.locator("h1"), "Fullmetal Alchemist")
    says(reader.locator("dl"), score)
    assert reader.locator("script").count() == 0 and not asked
    assert (
        reader.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(18, 25, 27)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_panel_has_a_serious_barrier_and_every_chart_has_contrast(
    visitor: "Callable[..., Page]", server: str, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page, found = visitor(width=420 if scheme == "dark" else 1400, color_scheme=scheme), []
    ground = {"light": "#fdfdfc", "dark": "#12191b"}[scheme]
    for panel in PANELS:
        page.goto(f"{server}/sampling?user=17&item=36&noise=true&seed=1&show={panel}")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{panel} is wider than the screen"
        )
        barriers: list[tuple[str, ...]] = []
        for _ in range(4):  # what is fading in has no contrast yet: a barrier is what stays
            page.wait_for_timeout(600)
            violations = Axe().run(page).response["violations"]
            barriers = [
                (panel, v["id"], v["nodes"][0]["html"][:200])
                for v in violations
                if v["impact"] in ("serious", "critical")
            ]
            if not barriers:
                break
        found += barriers
        if panel in ("Attribution", "Traverse"):  # text on ribbons; no chart of its own
            continue
        page.locator(".js-plotly-plot").nth(1).locator("text").first.wait_for()
        page.wait_for_timeout(1000)  # charts fade in
        colours = page.locator(".js-plotly-plot svg text").evaluate_all(
            "texts => texts.map(text => [text.textContent, getComputedStyle(text).fill])"
        )
        assert len(colours) > 20, panel
        for text, fill in colours:
            assert contrast(fill, ground) >= 4.5, (panel, text, fill)
    assert found == []
