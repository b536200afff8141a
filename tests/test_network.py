"""The graph of a sample and the figures: complete, offline, and safe with names of unknown origin."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

from dskreg.ui.common import charts
from dskreg.ui.sampling import charts as sampling_charts
from dskreg.ui.sampling import frequency_charts, html_graph, network
from tests.made_up import candidates

RELATIONS = ("tag", "genre", "studio")
COLOURS = charts.palette(RELATIONS)
CENTRE = (7, "Centre")
HOSTILE = [
    "<script>alert(1)</script>",
    'a href="javascript:alert(1)"',
    'it\'s "quoted" & <b>bold</b>',
    "</script><img src=x onerror=alert(1)>",
    "HREF",
    "",
    "line\nbreak \u2028",
]


# The graph in the app


@pytest.mark.parametrize(("count", "picks"), [(0, 0), (1, 1), (5, 2), (120, 8), (200, 64)])
def test_every_node_is_an_item_and_every_link_an_edge_up_to_the_limits(count: int, picks: int) -> None:
    frame = candidates(count, picks)
    graph = network.build(frame, CENTRE, COLOURS)
    assert graph.item_ids == [7, *graph.edges["item_id"]] and len(set(graph.item_ids)) == len(graph.nodes)
    titles = dict(zip(frame["item_id"], frame["title"], strict=True)) | {7: "Centre"}
    assert [node["value"] for node in graph.nodes] == [titles[item] for item in graph.item_ids]
    assert [link["source"] for link in graph.links] == [node["id"] for node in graph.nodes[1:]]
    assert {link["target"] for link in graph.links} <= {"0"}
    picked = graph.edges["picked"]
    assert picked.sum() == min(picks, network.MOST_SAMPLED)
    assert (~picked).sum() == min(count - picks, network.MOST_UNSAMPLED)
    assert graph.left_out == max(0, picks - network.MOST_SAMPLED)
    assert [node["x"] > 0 for node in graph.nodes[1:]] == picked.tolist(), "sampled neighbours on the right"
    assert len({(node["x"], node["y"]) for node in graph.nodes}) == len(graph.nodes)
    json.dumps(graph.option)


def test_unsampled_edges_are_dashed_and_sampled_ones_widen_with_the_contribution() -> None:
    graph = network.build(candidates(20, 3), CENTRE, COLOURS)
    lines = [link["lineStyle"] for link in graph.links]
    assert [line.get("type") == "dashed" for line in lines] == [False] * 3 + [True] * network.MOST_UNSAMPLED
    widths = [line["width"] for line in lines[:3]]
    assert widths == sorted(widths, reverse=True) and len(set(widths)) == 3
    assert [line["color"] for line in lines] == [COLOURS[relation] for relation in graph.edges["relation"]]


def test_an_item_under_two_relations_is_one_node_with_two_curved_edges() -> None:
    frame = candidates(6, 3)
    frame.loc[4, "item_id"] = frame.loc[0, "item_id"]  # sampled under one relation, not under the other
    graph = network.build(frame, CENTRE, COLOURS)
    assert graph.item_ids.count(100) == 1 and len(graph.nodes) == 6 and len(graph.links) == 6
    ends = {(link["source"], link["lineStyle"]["curveness"]) for link in graph.links}
    assert len(ends) == 6, "parallel edges must not cover each other"
    node = graph.nodes[graph.item_ids.index(100)]
    assert node["x"] > 0 and all(relation in node["tooltip"]["formatter"] for relation in RELATIONS[:2])


def test_nodes_and_edges_say_relation_shared_entities_and_numbers() -> None:
    frame = candidates(2, 1)
    frame["via"] = [["Space"], []]
    sampled, unsampled = (
        link["tooltip"]["formatter"] for link in network.build(frame, CENTRE, COLOURS).links
    )
    contribution, probability = frame["contribution"][0], frame["inclusion_probability"][0]
    assert f"\ntag (Space)\nsampled, contribution {contribution:+.4f}\nlogit" in sampled
    assert f"inclusion probability {probability:.1%}" in sampled and "genre\nnot sampled" in unsampled


def test_liked_items_carry_a_heart() -> None:
    graph = network.build(candidates(), CENTRE, COLOURS, liked={100})
    hearts = [node["name"].startswith("\u2665") for node in graph.nodes]
    assert [item for item, heart in zip(graph.item_ids, hearts, strict=True) if heart] == [100]


def test_every_relation_of_an_edge_is_in_the_legend_with_its_colour() -> None:
    graph = network.build(candidates(), CENTRE, COLOURS)
    legend = {each["name"]: each["itemStyle"]["color"] for each in graph.option["series"][0]["categories"]}
    assert legend == COLOURS


def test_no_text_of_the_graph_is_a_placeholder_or_markup() -> None:
    frame = candidates(8, 4, ["{b} {@x}", "a|b", *HOSTILE]).assign(relation="{c}")
    graph = network.build(frame, (7, "{c}"), COLOURS)
    texts = [node["name"] for node in graph.nodes]
    texts += [each["tooltip"]["formatter"] for each in (*graph.nodes, *graph.links)]
    texts += [each["name"] for each in graph.option["series"][0]["categories"]]
    assert not any(re.search(r"\{[@\w]", text) for text in texts)
    assert graph.option["tooltip"]["renderMode"] == "richText"


def test_only_a_clickable_graph_selects_nodes() -> None:
    series = network.build(candidates(), CENTRE, COLOURS).option["series"][0]
    assert series["selectedMode"] is False
    series = network.build(candidates(), CENTRE, COLOURS, clickable=True).option["series"][0]
    assert series["selectedMode"] == "single"


# The graph as an HTML file


def exported(frame: pd.DataFrame, title: str = "Centre", dark: bool = False) -> str:
    return html_graph.page(network.build(frame, (7, title), COLOURS, dark=dark), dark)


def data_of(page: str, name: str) -> list[dict]:
    """The nodes or edges that the file hands to vis."""
    found = re.search(rf"{name} = new vis\.DataSet\((\[.*?\])\);\n", page, re.S)
    assert found, "pyvis' template has changed"
    return json.loads(found.group(1))


def test_the_file_fetches_nothing() -> None:
    page = exported(candidates())
    assert not re.findall(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)\s*=\s*[\"']?(?!data:)", page)
    assert not re.findall(r"url\(\s*[\"']?(?!data:)[a-z/]|@import", page.split("<script", 1)[0])
    assert not re.findall(r"jsdelivr|cdnjs|sourceMappingURL|<!--", page)
    assert "default-src 'none'" in page


def test_the_same_sample_gives_the_same_file() -> None:
    assert exported(candidates()) == exported(candidates())


def test_the_file_has_a_language_a_title_and_a_text_alternative() -> None:
    page, alt = exported(candidates(), "A & B"), network.build(candidates(), (7, "A & B"), COLOURS).alt
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">') and "<h1" not in page
    assert f"<title>{html.escape(alt)}</title>" in page and "A & B with 8 sampled neighbours" in alt
    assert f'role="img" aria-label="{html.escape(alt)}"' in page


def test_the_file_has_the_nodes_and_edges_of_the_chart() -> None:
    graph = network.build(candidates(), CENTRE, COLOURS, liked={100})
    page = html_graph.page(graph)
    assert [node["label"] for node in data_of(page, "nodes")] == [node["name"] for node in graph.nodes]
    edges = data_of(page, "edges")
    assert [not edge["dashes"] for edge in edges] == graph.edges["picked"].tolist()
    assert [edge["color"]["color"] for edge in edges] == [link["lineStyle"]["color"] for link in graph.links]


@pytest.mark.parametrize("dark", [False, True])
def test_hostile_titles_stay_text_in_the_file(dark: bool) -> None:
    page, harmless = exported(candidates(12, 4, HOSTILE), HOSTILE[0], dark), exported(candidates(12, 4))
    assert page.count("<script") == harmless.count("<script")
    assert "<img" not in page and "onerror=alert(1)>" not in page
    assert "innerHTML = nodeData" not in page, "pyvis shows tooltips as HTML"
    nodes = data_of(page, "nodes")
    assert not any("href" in str(node["title"]).lower() for node in nodes)
    assert HOSTILE[0] in {node["label"].split("\n")[0] for node in nodes}


def test_hostile_relations_are_escaped_in_the_legend_of_the_file() -> None:
    assert "<i onclick" not in exported(candidates().assign(relation="<i onclick=x>&"))


# Colours and sums


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("page", network.PAGE.values())
def test_colours_have_contrast_on_both_pages(page: str) -> None:
    for colour in (*charts.COLOURS, *charts.WARM_TO_COLD, charts.OTHER, charts.LIKED, charts.RECOMMENDED):
        dark, light = sorted((luminance(colour), luminance(page)))
        assert (light + 0.05) / (dark + 0.05) >= 3, colour


def decomposed(*rows: tuple[str, str, float, float, str, bool]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["label", "note", "contribution", "share", "group", "head"])


def test_the_decomposition_shows_shares_and_escapes_names() -> None:
    rows = [("Own", "", 1.0, 4 / 3, "Own", True), ("Sampled", "", -0.25, -1 / 3, "Sampled", True)]
    rows += [("<b>x</b>", "<i>", -0.25, -1 / 3, "Sampled", False)]
    figure = sampling_charts.decomposition(decomposed(*rows))
    bars, texts = figure.data
    assert list(bars.x) == [1.0, -0.25, -0.25] and "133.3% (+1.000)" in texts.text[0]
    assert bars.customdata[2][0] == "&lt;b&gt;x&lt;/b&gt; (&lt;i&gt;)" and "<i>" not in str(figure.layout)
    assert bars.marker.color[0] != bars.marker.color[1] == sampling_charts.DOWN
    bare = sampling_charts.decomposition(decomposed(("Own", "", 0.0, float("nan"), "Own", True)))
    assert "%" not in bare.data[1].text[0]


def test_the_strip_of_keys_is_cut_between_the_last_sampled_and_the_next() -> None:
    frame = candidates(20, 8)
    frame = frame.assign(noise=0.0, key=frame["logit"])
    strip = frequency_charts.key_strip(frame)
    shown = {trace.name: list(trace.x) for trace in strip.data}
    assert shown == {"sampled": list(frame["key"][:8]), "not sampled": list(frame["key"][8:])}
    line = strip.layout.shapes[0]
    assert frame["key"][8] < line.x0 == line.x1 < frame["key"][7]
    noise = np.linspace(-1, 1, 20)
    noisy = frame.assign(noise=noise, key=frame["logit"] + noise).sort_values("key", ascending=False)
    noisy = noisy.assign(picked=np.arange(20) < 3)
    strip = frequency_charts.key_strip(noisy)
    logits = [x for trace in strip.data[1:] for x, y in zip(trace.x, trace.y, strict=True) if y == 1]
    assert sorted(logits) == sorted(frame["logit"]), "with noise, the logits on a line of their own"


# Figures of the sampler


def flow_frame() -> pd.DataFrame:
    columns = ["source_id", "source", "target_id", "target", "relation", "contribution"]
    rows = [
        (1, "<b>A</b>", 5, "Same", "genre", 1.0),
        (1, "<b>A</b>", 6, "Same", "genre", -0.25),
        (1, "<b>A</b>", 5, "Same", "studio", 0.5),
        (None, "2 more", 5, "Same", "genre", 0.5),
        (None, "2 more", 6, "Same", "genre", 0.125),
        (None, "2 more", None, "own embedding", "", 2.0),
    ]
    return pd.DataFrame(rows, columns=columns)


def test_the_attribution_chart_keeps_items_of_one_name_apart() -> None:
    sankey = sampling_charts.sankey(flow_frame(), "End", COLOURS).data[0]
    assert len(sankey.node.label) == 2 + 4 + 1 and not any(
        "<b>" in text for text in (*sankey.node.label, *sankey.node.customdata)
    )
    assert sum(sankey.link.value[:6]) == pytest.approx(1 + 0.25 + 0.5 + 0.5 + 0.125 + 2)
    ends = {sankey.link.source[n]: sankey.link.value[n] for n in range(6, 10)}
    assert sorted(ends.values()) == pytest.approx([0.125, 0.5, 1.5, 2.0]) and set(sankey.link.target[6:]) == {
        6
    }
    assert len({sankey.link.color[n] for n in range(6)}) == 2, "for and against have colours of their own"


def test_degree_curves_count_items() -> None:
    frame = pd.DataFrame({"drawn": [0, 1, 1, 4]})
    curve, star = sampling_charts.at_least(frame, {"drawn": "draws"}, {"drawn": 1.0}).data
    assert list(curve.x) == [1, 4] and list(curve.y) == [3, 1] and list(star.y) == [3]
    assert len(sampling_charts.at_least(frame, {"drawn": "draws"}, {"drawn": 0.0}).data) == 1, (
        "zero has no place on a logarithmic axis"
    )


def test_the_convergence_chart_shows_a_few_distinct_probabilities() -> None:
    assert frequency_charts.spread([0.8, 0.79, 0.6, 0.4, 0.2, 0.08]) == [0, 2, 3, 4, 5]
    assert frequency_charts.spread([0.5, 0.5]) == [0, 1] and frequency_charts.spread([]) == []


def test_the_steps_between_two_scores_add_up() -> None:
    figure = sampling_charts.change(("A", 1.0), [("removed", -0.5), ("added", 0.75)], ("B", 1.25)).data[0]
    assert sum(figure.x[:-1]) == pytest.approx(figure.x[-1]) and list(figure.measure) == [
        "absolute",
        "relative",
        "relative",
        "total",
    ]
