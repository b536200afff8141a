"""The drawing and the figures: offline, the same bytes for the same input, safe with titles that somebody
else wrote.
"""

import html
import json
import re

import jinja2
import numpy as np
import pandas as pd
import pytest

from dskreg.ui.common import charts
from dskreg.ui.sampling import charts as draw_charts
from dskreg.ui.sampling import network, walk_chart
from tests.made_up import candidates

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
    assert (
        network.draw(candidates(), "Centre", COLOURS).html
        == network.draw(candidates(), "Centre", COLOURS).html
    )


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
    assert (
        drawing.html.count("<script") == plain.html.count("<script")
        and "<img" not in drawing.html
        and "onerror=alert(1)>" not in drawing.html
    )
    assert "innerHTML = nodeData" not in drawing.html, "pyvis shows tooltips as HTML"
    assert not any("href" in str(node["title"]).lower() for node in data_of(drawing.html, "nodes"))
    assert HOSTILE[0] in {node["label"].split("\n")[0] for node in data_of(drawing.html, "nodes")}


def test_hostile_relations_and_colours_are_escaped_in_the_legend():
    frame = candidates().assign(relation="<i onclick=x>&")
    assert "<i onclick" not in network.draw(frame, "Centre", {"<i onclick=x>&": "#123456"}).html


def test_picks_are_solid_and_the_best_of_the_rest_dashed():
    drawing = network.draw(candidates(20, 3), "Centre", COLOURS, passed=5)
    edges, nodes = (
        data_of(drawing.html, "edges"),
        {node["id"]: node for node in data_of(drawing.html, "nodes")},
    )
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
    assert (
        len({(edge["from"], json.dumps(edge.get("smooth"))) for edge in data_of(drawing.html, "edges")}) == 4
    ), "parallel edges must not hide each other"


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


def test_a_sum_shows_its_total_and_escapes_names():
    figure = charts.score_sum([("the title itself", "", 1.0), ("<b>x</b>", "genre", -0.25)], ("score", 0.75))
    assert figure.data[0].text[-1] == "<b>0.750</b>" and "&lt;b&gt;" in figure.data[0].customdata[1]
    charts.score_sum([("nothing", "", 0.0)], ("score", 0.0))


# The walkable network


@pytest.mark.parametrize(("count", "picks"), [(0, 0), (1, 1), (5, 2), (120, 8), (200, 64)])
def test_the_walker_knows_which_title_each_node_is(count, picks):
    frame = candidates(count, picks)
    drawing = walk_chart.walk(frame, (7, "Centre"), COLOURS)
    series = drawing.option["series"][0]
    assert drawing.nodes == [7, *drawing.table["item_id"]] and len(series["data"]) == len(
        drawing.nodes
    ) == len(set(drawing.nodes))
    titles = dict(zip(frame["item_id"], frame["title"], strict=True))
    assert [node["value"] for node in series["data"]] == [
        "Centre",
        *(titles[item] for item in drawing.nodes[1:]),
    ]
    assert [link["source"] for link in series["links"]] == [node["id"] for node in series["data"][1:]] and {
        link["target"] for link in series["links"]
    } <= {"0"}
    assert drawing.table["picked"].sum() == min(picks, walk_chart.MOST_PICKED) and (
        ~drawing.table["picked"]
    ).sum() == min(count - picks, walk_chart.MOST_PASSED)
    for node, picked in zip(series["data"][1:], drawing.table["picked"], strict=True):
        assert (node["x"] > 0) == picked
    assert len({(node["x"], node["y"]) for node in series["data"]}) == len(drawing.nodes), (
        "no node stands on another"
    )
    json.dumps(drawing.option)


def test_the_walker_shows_a_title_once_by_its_strongest_tie():
    frame = candidates(6, 3)
    frame.loc[4, "item_id"] = frame.loc[0, "item_id"]  # drawn under one relation, missed under another
    drawing = walk_chart.walk(frame, (7, "Centre"), COLOURS)
    assert drawing.nodes.count(100) == 1 and bool(drawing.table.set_index("item_id")["picked"][100])


def test_the_walker_has_no_placeholders_and_no_html():
    frame = candidates(8, 4, ["{b} {@x}", "a|b", *HOSTILE])
    option = walk_chart.walk(frame, (7, "{c}"), COLOURS, liked={100}).option
    texts = [
        text for node in option["series"][0]["data"] for text in (node["name"], node["tooltip"]["formatter"])
    ]
    assert not any(re.search(r"\{[@\w]", text) for text in texts)
    assert (
        option["tooltip"]["renderMode"] == "richText"
        and sum(text.startswith("\u2665") for text in texts) == 1
    )


# Figures of the sampler


def flow_frame() -> pd.DataFrame:
    columns = ["source_id", "source", "target_id", "target", "relation", "contribution"]
    rows = [
        (1, "<b>A</b>", 5, "Same", "genre", 1.0),
        (1, "<b>A</b>", 6, "Same", "genre", -0.25),
        (1, "<b>A</b>", 5, "Same", "studio", 0.5),
        (None, "2 more", 5, "Same", "genre", 0.5),
        (None, "2 more", 6, "Same", "genre", 0.125),
        (None, "2 more", None, "the title itself", "", 2.0),
    ]
    return pd.DataFrame(rows, columns=columns)


def test_the_flow_keeps_titles_of_one_name_apart_and_its_widths():
    sankey = draw_charts.sankey(flow_frame(), "End", COLOURS).data[0]
    assert len(sankey.node.label) == 2 + 4 + 1 and not any(
        "<b>" in text for text in (*sankey.node.label, *sankey.node.customdata)
    )
    assert sum(sankey.link.value[:6]) == pytest.approx(1 + 0.25 + 0.5 + 0.5 + 0.125 + 2)
    ends = {sankey.link.source[n]: sankey.link.value[n] for n in range(6, 10)}
    assert sorted(ends.values()) == pytest.approx([0.125, 0.5, 1.5, 2.0]) and set(sankey.link.target[6:]) == {
        6
    }
    assert len({sankey.link.color[n] for n in range(6)}) == 2, "for and against have colours of their own"


def test_curves_count_titles():
    frame = pd.DataFrame({"drawn": [0, 1, 1, 4]})
    curve, star = draw_charts.at_least(frame, {"drawn": "draws"}, {"drawn": 1.0}).data
    assert list(curve.x) == [1, 4] and list(curve.y) == [3, 1] and list(star.y) == [3]
    assert len(draw_charts.at_least(frame, {"drawn": "draws"}, {"drawn": 0.0}).data) == 1, (
        "zero has no place on a logarithmic axis"
    )


def test_a_few_that_can_be_told_apart():
    assert draw_charts.spread([0.8, 0.79, 0.6, 0.4, 0.2, 0.08]) == [0, 2, 3, 4, 5]
    assert draw_charts.spread([0.5, 0.5]) == [0, 1] and draw_charts.spread([]) == []


def test_the_way_from_one_score_to_another_ends_there():
    figure = draw_charts.change(("A", 1.0), [("left", -0.5), ("came", 0.75)], ("B", 1.25)).data[0]
    assert sum(figure.x[:-1]) == pytest.approx(figure.x[-1]) and list(figure.measure) == [
        "absolute",
        "relative",
        "relative",
        "total",
    ]


def test_the_page_s_templates_are_compiled_once(monkeypatch):
    network._templates.cache_clear()
    compiled, compile_ = [], jinja2.Environment.compile
    monkeypatch.setattr(
        jinja2.Environment,
        "compile",
        lambda self, *rest, **named: compiled.append(rest) or compile_(self, *rest, **named),
    )
    network.draw(candidates(), "Centre", COLOURS)
    first = len(compiled)  # the page, and the scripts in it
    network.draw(candidates(), "Centre", COLOURS)
    assert len(compiled) == first > 0
