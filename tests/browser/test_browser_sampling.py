"""The sampling page."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from walk import comes_to_read, says, settle

from dskreg.explorer import Explorer

if TYPE_CHECKING:
    from playwright.sync_api import Page

DEMO = Path(__file__).parents[2] / "artifacts" / "demo"


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


def test_the_first_screen_and_back_from_a_gumbel_sample(visitor: "Callable[..., Page]", server: str) -> None:
    """The switch and the decomposition lie in the first screen, the decisive columns need no scrolling; a
    sample is one entry in the history, and Back shows what is served.
    """
    page = visitor(1400, 900)
    page.goto(f"{server}/sampling?user=17&item=446")
    main = settle(page)
    chart = main.locator(".st-key-decomposition")
    chart.locator("tr").first.wait_for()
    box, switch = chart.bounding_box(), main.locator(".st-key-rule").bounding_box()
    assert box and switch
    assert switch["y"] + switch["height"] < box["y"] and box["y"] + box["height"] <= 900
    words = main.get_by_text("expected overlap of two samples").first.bounding_box()
    assert words and words["height"] < 24, "one line, not wrapped"
    labels = chart.locator("th").all_inner_texts()
    assert labels[0] == "Own embedding" and "Sampled neighbours" in labels

    says(main, "those with the largest logits")
    page.locator(".stEChartsChart svg text").first.wait_for()
    served, entries = settle(page).inner_text(), page.evaluate("history.length")
    main.get_by_text("Gumbel sample", exact=True).click()
    page.wait_for_url(re.compile("noise=true"))
    says(main, "Seed n")
    says(main, re.compile(r"The model samples \d+ of \d+ candidates\."))
    settle(page)
    assert page.evaluate("history.length") == entries + 1, "one action, one entry"

    page.go_back()
    says(main, "those with the largest logits")
    comes_to_read(settle(page), served)

    page.go_forward()
    says(main, "Seed n")
    page.get_by_role("tab", name="Candidates").click()
    page.wait_for_url(re.compile("show=Candidates"))
    settle(page)
    table = main.locator("[data-testid='stDataFrame']").first
    table.scroll_into_view_if_needed()
    # The grid lists, for assistive technology, the columns that it draws
    drawn = table.locator("[role=columnheader]")
    drawn.last.wait_for(state="attached")
    names = ["Candidate", "Sampled", "Logit s", "Noise G", "Key s + G", "Margin", "π", "Lift", "Via"]
    assert drawn.all_text_contents()[: len(names)] == names
    found = re.search(r"(\d+) candidates", main.inner_text())
    assert found
    strip = main.locator(".st-key-keys_item .points path")
    strip.first.wait_for(state="attached")
    assert strip.count() == 2 * int(found[1]), "a key and a logit of each candidate"


def test_filtered_candidates_and_the_html_report_are_saved(
    page: "Page", server: str, visitor: "Callable[..., Page]", tmp_path: Path
) -> None:
    """The report needs no script and no network."""
    page.goto(f"{server}/sampling?user=17&item=36&noise=true&seed=1&show=Candidates")
    main = settle(page)
    says(main, "80 candidates")
    page.get_by_label("Relations", exact=True).click()
    page.get_by_role("option", name="franchise").click()
    page.wait_for_url(re.compile("relation=franchise"))
    says(main, re.compile(r"\d+ of 80 candidates, largest key first"))
    page.keyboard.press("Escape")  # the open list hides the rest from assistive technology
    with page.expect_download() as download:
        page.get_by_role("button", name="Candidates (CSV)").click()
    rows = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    says(main, f"{len(rows) - 1} of 80 candidates, largest key first")
    assert all("franchise" in row for row in rows[1:])

    found = re.search(r"Score (-?\d+\.\d{3})", main.inner_text())
    assert found
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
    says(reader.locator("dl"), found[1])
    assert reader.locator("script").count() == 0 and not asked
    assert (
        reader.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(18, 25, 27)"
    )


def test_a_simulation_and_a_traversal_that_goes_on_by_a_click_and_comes_back(
    page: "Page", server: str
) -> None:
    explorer = Explorer.open(DEMO)
    around = explorer.explain(explorer.profile(17), 36).item_neighbours
    sampled = around.loc[around["picked"], "title"]
    name = sampled[(sampled.str.len() < 20) & ~sampled.str.startswith("Fullmetal")].iloc[0]
    page.goto(f"{server}/sampling?user=17&item=36&show=Stability")
    main = settle(page)
    says(main, "Number of samples")
    page.get_by_role("radio", name="1000").or_(page.get_by_role("button", name="1000")).click()
    says(main, "Over 1,000 samples")
    page.wait_for_url(re.compile("times=1000"))
    page.locator(".js-plotly-plot").nth(2).wait_for()

    page.get_by_role("tab", name="Traverse").click()
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
