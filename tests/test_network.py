"""The graph of a sample and the figures: complete, offline, and safe with names of unknown origin."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

from dskreg.ui.sampling import charts as sampling_charts
from dskreg.ui.sampling import decomposition, frequency_charts
from dskreg.ui.sampling.graph import drawing, html_graph, marks, network
from tests.made_up import candidates
from tests.plots import drawn

RELATIONS = ("tag", "genre", "studio")
COLOURS = marks.colours(RELATIONS)
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


def items_of(graph: network.Graph) -> list[int]:
    """The numbers of the candidates' nodes."""
    return [n for n, node in enumerate(graph.subgraph.nodes) if n and not node.is_entity]


def rows_of(graph: network.Graph) -> list[tuple[dict, dict]]:
    """(candidate, style of the line) of every link to a candidate."""
    links = zip(graph.subgraph.edges, graph.links, strict=True)
    return [(dict(edge.row), link["lineStyle"]) for edge, link in links if edge.row is not None]


@pytest.mark.parametrize(("count", "picks"), [(0, 0), (1, 1), (5, 2), (120, 8), (200, 64)])
def test_every_candidate_up_to_the_limits_is_a_node_linked_to_the_item(count: int, picks: int) -> None:
    frame = candidates(count, picks)
    graph = network.build(frame, CENTRE, COLOURS)
    nodes = graph.subgraph.nodes
    assert [nodes[n].item_id for n in items_of(graph)] == graph.edges["item_id"].tolist()
    assert len(graph.item_ids) == len(graph.nodes) and graph.item_ids[0] == 7
    titles = dict(zip(frame["item_id"], frame["title"], strict=True))
    assert all(nodes[n].name == titles[nodes[n].item_id] for n in items_of(graph))
    steps = {(link["source"], link["target"]) for link in graph.links}
    starts = {start for start, end in steps if int(end) in items_of(graph)}
    assert {end for _, end in steps} >= {str(n) for n in items_of(graph)}
    assert {("0", start) for start in starts} <= steps, "every entity is linked to the item"
    picked = graph.edges["picked"]
    assert picked.sum() == min(picks, network.MOST_SAMPLED)
    assert (~picked).sum() == min(count - picks, network.MOST_UNSAMPLED)
    assert graph.left_out == max(0, picks - network.MOST_SAMPLED)
    places = [tuple(node["value"]) for node in graph.nodes]
    assert len(set(places)) == len(places)
    json.dumps(graph.option)


def test_unsampled_edges_are_dotted_and_sampled_ones_widen_with_the_contribution() -> None:
    frame = candidates(20, 3)
    frame["contribution"] = frame["contribution"].abs()
    rows = rows_of(network.build(frame, CENTRE, COLOURS))
    assert [line.get("type") == "dotted" for _, line in rows] == [not row["picked"] for row, _ in rows]
    widths = {row["item_id"]: line["width"] for row, line in rows if row["picked"]}
    order = sorted(widths, key=lambda item: -frame.set_index("item_id")["contribution"][item])
    assert sorted(set(widths.values()), reverse=True) == [widths[item] for item in order] and len(order) == 3
    assert all(line["color"] == COLOURS[row["relation"]] for row, line in rows)


@pytest.mark.parametrize("dark", [False, True])
def test_a_negative_contribution_is_dashed_vermilion_with_a_minus_sign(dark: bool) -> None:
    frame = candidates(4, 4)
    frame["contribution"] = [0.5, -0.25, 0.125, -0.0625]
    graph = network.build(frame, CENTRE, COLOURS, dark=dark)
    for row, line in rows_of(graph):
        negative = (line.get("type"), line["color"]) == ("dashed", marks.NEGATIVE[dark])
        assert negative == (row["contribution"] < 0)
    for n in items_of(graph):
        node, negative = graph.nodes[n], graph.item_ids[n] in (101, 103)
        assert ("\u2212" in node["name"]) == negative == (node["value"] in graph.option["series"][1]["data"])
        assert (node["itemStyle"]["color"] == marks.NEGATIVE[dark]) == negative


def test_an_item_under_two_relations_is_one_node_with_its_total() -> None:
    frame = candidates(6, 3)
    frame.loc[1, "item_id"] = frame.loc[0, "item_id"]
    graph = network.build(frame, CENTRE, COLOURS)
    assert graph.item_ids.count(100) == 1
    node = graph.nodes[graph.item_ids.index(100)]
    total = frame["contribution"][:2].sum()
    assert f"{total:+.3f}".replace("-", "\u2212") in node["name"]
    assert all(relation in node["tooltip"]["formatter"] for relation in RELATIONS[:2])


def test_nodes_and_edges_say_relation_shared_entities_and_numbers() -> None:
    frame = candidates(2, 1)
    frame["via"] = [["Space"], []]
    graph = network.build(frame, CENTRE, COLOURS)
    said = [link["tooltip"]["formatter"] for link in graph.links]
    sampled, unsampled = (
        text for text, edge in zip(said, graph.subgraph.edges, strict=True) if edge.row is not None
    )
    contribution, probability = frame["contribution"][0], frame["inclusion_probability"][0]
    assert f"\ntag (Space)\nsampled, contribution {contribution:+.4f}\nlogit" in sampled
    assert f"inclusion probability {probability:.1%}" in sampled and "genre\nnot sampled" in unsampled
    assert "Centre\ntag: Space" in said
    space = next(n for n, node in enumerate(graph.subgraph.nodes) if node.name == "Space")
    assert graph.nodes[space]["tooltip"]["formatter"] == "Space\ntag\nshared with 1 sampled neighbour"


def test_titles_of_a_series_keep_their_ends() -> None:
    one, other = (drawing.label_of(f"A rather long title: the {n} part", 18) for n in ("first", "second"))
    assert one != other and one.endswith("first part") and all(len(line) <= 18 for line in one.split("\n"))
    assert drawing.label_of("Wolf's Rain", 18) == "Wolf's Rain" and drawing.label_of("", 18) == "(no title)"
    assert drawing.label_of("Blood Blockade Battlefront", 18) == "Blood Blockade\nBattlefront"


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
    nodes, edges = data_of(page, "nodes"), data_of(page, "edges")
    for node, shown, glyph in zip(nodes, graph.nodes, graph.glyphs, strict=True):
        assert node["label"] == f"{glyph} {shown['name']}".strip()
    assert sum(map(bool, graph.glyphs)) == sum(node.is_entity for node in graph.subgraph.nodes) > 0
    assert [bool(edge["dashes"]) for edge in edges] == ["type" in link["lineStyle"] for link in graph.links]
    assert [edge["color"]["color"] for edge in edges] == [link["lineStyle"]["color"] for link in graph.links]


@pytest.mark.parametrize("dark", [False, True])
def test_hostile_titles_stay_text_in_the_file(dark: bool) -> None:
    page, harmless = exported(candidates(12, 4, HOSTILE), HOSTILE[0], dark), exported(candidates(12, 4))
    assert page.count("<script") == harmless.count("<script")
    assert "<img" not in page and "onerror=alert(1)>" not in page
    assert "innerHTML = nodeData" not in page, "pyvis shows tooltips as HTML"
    nodes = data_of(page, "nodes")
    assert not any("href" in str(node["title"]).lower() for node in nodes)
    assert HOSTILE[0] in {node["title"].split("\n")[0] for node in nodes}
    assert any(node["label"].startswith("</script><img\n") for node in nodes)


def test_hostile_relations_are_escaped_in_the_legend_of_the_file() -> None:
    assert "<i onclick" not in exported(candidates().assign(relation="<i onclick=x>&"))


# Colours and sums


def decomposed(*rows: tuple[str, str, float, float, str, bool]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["label", "note", "contribution", "share", "group", "head"])


def test_the_decomposition_shows_shares_and_escapes_names() -> None:
    rows = [("Own", "", 1.0, 4 / 3, "Own", True), ("Sampled", "", -0.25, -1 / 3, "Sampled", True)]
    rows += [("<b>x</b>", "<i>", -0.25, -1 / 3, "Sampled", False)]
    rows += [('" onclick=', "", 0.25, float("nan"), "Own", False)]
    body = decomposition.table(decomposed(*rows), "Terms of <this>")
    texts = [re.sub("<[^>]+>", "", row) for row in body.split("</tr>")]
    assert texts == [
        "Own133% (+1.000)",
        "Sampled−33% (−0.250)",
        "&lt;b&gt;x&lt;/b&gt;(&lt;i&gt;)−33% (−0.250)",
        "&quot; onclick=+0.250",
        "",
    ]
    assert 'aria-label="Terms of &lt;this&gt;"' in body and "--zero:20.00%" in body
    bars = re.findall(r"<i style=\"left:([\d.]+)%;width:([\d.]+)%;background:(#\w+)", body)
    up, down = sampling_charts.UP, sampling_charts.DOWN
    assert bars == [("20.00", "80.00", up), *[("0.00", "20.00", down)] * 2, ("20.00", "20.00", up)]
    assert re.findall(r'<span style="left:([\d.]+)%', body) == ["100.00", "20.00", "20.00", "40.00"]
    assert body.count("class=sum") == 2 and "<b>" not in body
    assert "width:0.00%" in decomposition.table(decomposed(("Own", "", 0.0, float("nan"), "Own", True)), "")


def test_the_strip_of_keys_is_cut_between_the_last_sampled_and_the_next() -> None:
    frame = candidates(20, 8)
    frame = frame.assign(noise=0.0, key=frame["logit"])
    strip = drawn(frequency_charts.key_strip(frame))
    shown = {trace.name: list(trace.x) for trace in strip.data}
    assert shown == {"sampled": list(frame["key"][:8]), "not sampled": list(frame["key"][8:])}
    line = strip.layout.shapes[0]
    assert frame["key"][8] < line.x0 == line.x1 < frame["key"][7]
    noise = np.linspace(-1, 1, 20)
    noisy = frame.assign(noise=noise, key=frame["logit"] + noise).sort_values("key", ascending=False)
    noisy = noisy.assign(picked=np.arange(20) < 3)
    strip = drawn(frequency_charts.key_strip(noisy))
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
    sankey = drawn(sampling_charts.sankey(flow_frame(), "End", COLOURS)).data[0]
    assert len(sankey.node.label) == 2 + 4 + 1 and not any(
        "<b>" in text for text in (*sankey.node.label, *sankey.node.customdata)
    )
    assert sankey.node.label[-1] == "", "it would lie on a term's name where the chart is narrow"
    assert sankey.link.customdata[0] == "&lt;b&gt;A&lt;/b&gt; → Same: +1.000"
    assert sankey.link.customdata[-1].endswith(" → End: −0.125")
    assert sum(sankey.link.value[:6]) == pytest.approx(1 + 0.25 + 0.5 + 0.5 + 0.125 + 2)
    ends = {sankey.link.source[n]: sankey.link.value[n] for n in range(6, 10)}
    assert sorted(ends.values()) == pytest.approx([0.125, 0.5, 1.5, 2.0]) and set(sankey.link.target[6:]) == {
        6
    }
    assert len({sankey.link.color[n] for n in range(6)}) == 2, "for and against have colours of their own"


def test_degree_curves_count_items() -> None:
    frame = pd.DataFrame({"drawn": [0, 1, 1, 4]})
    curve, star = drawn(sampling_charts.at_least(frame, {"drawn": "draws"}, {"drawn": 1.0})).data
    assert list(curve.x) == [1, 4] and list(curve.y) == [3, 1] and list(star.y) == [3]
    assert len(drawn(sampling_charts.at_least(frame, {"drawn": "draws"}, {"drawn": 0.0})).data) == 1, (
        "zero has no place on a logarithmic axis"
    )


def test_the_convergence_chart_shows_a_few_distinct_probabilities() -> None:
    assert frequency_charts.spread([0.8, 0.79, 0.6, 0.4, 0.2, 0.08]) == [0, 2, 3, 4, 5]
    assert frequency_charts.spread([0.5, 0.5]) == [0, 1] and frequency_charts.spread([]) == []


def test_the_steps_between_two_scores_add_up() -> None:
    figure = drawn(
        sampling_charts.change(("A", 1.0), [("removed", -0.5), ("added", 0.75)], ("B", 1.25))
    ).data[0]
    assert sum(figure.x[:-1]) == pytest.approx(figure.x[-1]) and list(figure.measure) == [
        "absolute",
        "relative",
        "relative",
        "total",
    ]
