"""The drawing and the figures: offline, the same bytes for the same input, safe with titles that somebody else wrote."""

import html
import json
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from dskreg.ui import charts, network, scatter

COLOURS = charts.palette(["co-liked", "genre", "studio"])
HOSTILE = [
    "<script>alert(1)</script>",
    'a href="javascript:alert(1)"',
    'it\'s "quoted" & <b>bold</b>',
    "</script><img src=x onerror=alert(1)>",
    "HREF",
    "",
    "line\nbreak \u2028",
]


def candidates(count: int = 20, picks: int = 8, titles: tuple[str, ...] | list[str] = ("Title",)) -> pd.DataFrame:
    """A made-up side of an explanation, largest key first."""
    random = np.random.default_rng(0)
    logit = np.sort(random.normal(size=count))[::-1]
    share = np.exp(logit) / np.exp(logit).sum() if count else logit
    picked = np.arange(count) < picks
    return pd.DataFrame(
        {
            "item_id": np.arange(100, 100 + count),
            "title": [f"{titles[i % len(titles)]} {i}" if i >= len(titles) else titles[i] for i in range(count)],
            "relation": [("co-liked", "genre", "studio")[i % 3] for i in range(count)],
            "via": [["Space", "Mecha"] if i % 3 == 1 else [] for i in range(count)],
            "logit": logit,
            "share": share,
            "picked": picked,
            "inclusion_probability": np.minimum(share * picks, 1),
            "contribution": np.where(picked, random.normal(size=count), 0.0),
        }
    )


def data_of(page: str, name: str) -> list[dict]:
    """What the page hands to vis as nodes or edges."""
    found = re.search(rf"{name} = new vis\.DataSet\((\[.*?\])\);\n", page, re.S)
    assert found, "pyvis' template has changed"
    return json.loads(found.group(1))


def test_nothing_is_fetched_from_anywhere():
    page = network.draw(candidates(), "Centre", COLOURS).html
    assert not re.findall(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)\s*=\s*[\"']?(?!data:)", page)
    assert not re.findall(r"url\(\s*[\"']?(?!data:)[a-z/]|@import", page.split("<script", 1)[0])
    assert not re.findall(r"jsdelivr|cdnjs|sourceMappingURL|<!--", page)
    assert "default-src 'none'" in page  # and the browser would refuse to


def test_the_same_input_gives_the_same_bytes():
    assert network.draw(candidates(), "Centre", COLOURS).html == network.draw(candidates(), "Centre", COLOURS).html


def test_it_has_a_language_a_title_a_text_alternative_and_no_empty_heading():
    drawing = network.draw(candidates(), "A & B", COLOURS)
    assert drawing.html.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert f"<title>{html.escape(drawing.alt)}</title>" in drawing.html
    assert f'role="img" aria-label="{html.escape(drawing.alt)}"' in drawing.html
    assert "<h1" not in drawing.html and "A & B with the 8 candidates drawn" in drawing.alt


@pytest.mark.parametrize("dark", [False, True])
def test_hostile_titles_stay_text(dark):
    drawing = network.draw(candidates(12, 4, HOSTILE), HOSTILE[0], COLOURS, dark=dark)
    plain = network.draw(candidates(12, 4), "Centre", COLOURS, dark=dark)
    assert drawing.html.count("<script") == plain.html.count("<script") and "<img" not in drawing.html and "onerror=alert(1)>" not in drawing.html
    assert "innerHTML = nodeData" not in drawing.html, "pyvis shows tooltips as HTML"
    assert not any("href" in str(node["title"]).lower() for node in data_of(drawing.html, "nodes"))
    assert HOSTILE[0] in {node["label"].split("\n")[0] for node in data_of(drawing.html, "nodes")}


def test_hostile_relations_and_colours_are_escaped_in_the_legend():
    frame = candidates().assign(relation="<i onclick=x>&")
    assert "<i onclick" not in network.draw(frame, "Centre", {"<i onclick=x>&": "#123456"}).html


def test_picks_are_solid_and_the_best_of_the_rest_dashed():
    drawing = network.draw(candidates(20, 3), "Centre", COLOURS, passed=5)
    edges, nodes = data_of(drawing.html, "edges"), {node["id"]: node for node in data_of(drawing.html, "nodes")}
    assert [bool(edge.get("dashes")) for edge in edges] == [False] * 3 + [True] * 5
    assert list(drawing.edges["picked"]) == [True] * 3 + [False] * 5
    assert all((nodes[edge["from"]]["x"] > 0) == (not edge.get("dashes")) for edge in edges)
    widths = [edge["width"] for edge in edges[:3]]
    assert widths == sorted(widths, reverse=True), "the first pick contributes most"


def test_a_title_under_two_relations_is_one_node_with_two_edges():
    frame = candidates(4, 1)
    frame.loc[1, "item_id"] = frame.loc[0, "item_id"]  # picked under one, missed under the other
    drawing = network.draw(frame, "Centre", COLOURS)
    assert len(data_of(drawing.html, "nodes")) == 4 and len(data_of(drawing.html, "edges")) == 4
    assert len({(edge["from"], json.dumps(edge.get("smooth"))) for edge in data_of(drawing.html, "edges")}) == 4, "parallel edges must not hide each other"


@pytest.mark.parametrize(("count", "picks"), [(0, 0), (1, 1), (3, 3), (200, 64), (500, 8)])
def test_any_number_of_candidates_is_drawn_within_the_cap(count, picks):
    drawing = network.draw(candidates(count, picks), "Centre", COLOURS)
    nodes = data_of(drawing.html, "nodes")
    assert 1 <= len(nodes) <= 40 and drawing.left_out == max(0, picks - network.MOST_PICKED)
    assert len({(node["x"], node["y"]) for node in nodes}) == len(nodes), "no node stands on another"


def test_liked_titles_carry_a_heart():
    nodes = data_of(network.draw(candidates(), "Centre", COLOURS, liked={100}).html, "nodes")
    assert [node["id"] for node in nodes if node["label"].startswith("\u2665")] == ["item 100"]


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("page", [network._LIGHT["page"], network._DARK["page"]])
def test_colours_can_be_told_from_both_pages(page):
    for colour in (*charts.COLOURS, *charts.WARM_TO_COLD, charts.OTHER, charts.LIKED, charts.RECOMMENDED):
        dark, light = sorted((luminance(colour), luminance(page)))
        assert (light + 0.05) / (dark + 0.05) >= 3, colour


def points(count: int) -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {"item_id": np.arange(count), "title": [f"<b>T</b> {i}" for i in range(count)], "x": random.normal(size=count), "y": random.normal(size=count)}
    )


@pytest.mark.parametrize("count", [0, 1, 3, 400])
def test_a_map_holds_every_point_once_and_marks_on_top(count):
    frame = points(count)
    groups = scatter.leading(pd.Series(["Action", "", "Drama"] * count)[:count].astype(object))
    figure = scatter.scatter_map(frame, "item_id", "title", groups, charts.palette(groups.cat.categories), {"liked": ([0], charts.LIKED, "circle")}, {"Drama"})
    assert sum(len(trace.x) for trace in figure.data if trace.name != "liked") == count
    assert all(trace.type == "scattergl" for trace in figure.data)
    assert all("<b>" not in text for trace in figure.data for text in trace.text)
    assert not count or figure.data[-1].name == "liked"


def test_groups_are_the_most_frequent_and_other():
    values = pd.Series([f"g{i}" for i in range(30) for _ in range(40 - i)] + ["", None])
    groups = scatter.leading(values)
    assert len(groups.cat.categories) <= 10 and groups.iloc[0] == "g0" and groups.iloc[-1] == groups.iloc[-2] == charts.OTHER_NAME


@pytest.mark.parametrize("values", [[], [3], [0, 0, 0], [0] * 50 + [1, 2, 90], list(range(100))])
def test_bands_cover_every_value_without_overlap(values):
    bands = scatter.bands(pd.Series(values, dtype=int), "likes")
    assert len(bands) == len(values) and not bands.isna().any()
    limits = [tuple(map(int, name.replace(",", "").split(" likes")[0].split(" to "))) for name in bands.cat.categories]
    assert all(low[0] > high[-1] for low, high in pairwise(limits)), "largest first, each above the next"


def test_names_on_a_focused_map_cover_neither_each_other_nor_a_point():
    frame = pd.DataFrame({"item_id": range(4), "title": ["a rather long name", "another long name", "a third one", "far"]})
    frame = frame.assign(x=[0.0, 0.02, 0.1, 3.0], y=[0.0, 0.0, 1.0, 0.0])
    marks = {"near": ([1, 2, 3], charts.CHOSEN, "circle"), "chosen": ([0], charts.CHOSEN, "star")}
    groups = scatter.leading(pd.Series(["Drama"] * 4))
    figure = scatter.scatter_map(frame, "item_id", "title", groups, charts.palette(["Drama"]), marks, focus=0, named=("near", "chosen"))
    near, chosen = figure.data[-2:]
    assert chosen.text[0] == "a rather long name"
    sides = dict(zip(near.text, near.textposition, strict=True))
    assert sides.get("another long name", "") != chosen.textposition[0] and "a third one" in sides
    assert list(near.hovertext) == ["another long name", "a third one", "far"]


def test_a_sum_shows_its_total_and_escapes_names():
    figure = charts.score_sum([("the title itself", "", 1.0), ("<b>x</b>", "genre", -0.25)], ("score", 0.75))
    assert figure.data[0].text[-1] == "<b>0.750</b>" and "&lt;b&gt;" in figure.data[0].customdata[1]
    charts.score_sum([("nothing", "", 0.0)], ("score", 0.0))
