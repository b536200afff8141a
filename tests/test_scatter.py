"""The figures of maps: every point once, marks on top, labels without overlaps, escaped text."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dskreg.ui.common import charts
from dskreg.ui.common.figure import Figure
from dskreg.ui.embeddings import colouring, legend, overlays, scatter
from dskreg.ui.embeddings.scatter import Look, Mark
from tests.plots import drawn


def points(count: int) -> pd.DataFrame:
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "item_id": np.arange(count),
            "title": [f"<b>T</b> {i}" for i in range(count)],
            "x": random.normal(size=count),
            "y": random.normal(size=count),
        }
    )


EVERYTHING = Look()


def cloud_of(
    frame: pd.DataFrame, groups: pd.Series, look: Look = EVERYTHING, sizes: pd.Series | None = None
) -> list[dict[str, Any]]:
    glyphs = colouring.glyphs_of(groups, "type")
    return scatter.cloud(frame, "item_id", "title", groups, glyphs, look, sizes)


@pytest.mark.parametrize("count", [0, 1, 3, 400])
def test_a_map_contains_every_point_once_with_the_marks_on_top(count):
    frame = points(count)
    groups = colouring.leading(pd.Series(["Action", "", "Drama"] * count)[:count].astype(object))
    figure = drawn(
        scatter.scatter_map(
            frame,
            "item_id",
            "title",
            cloud_of(frame, groups, Look({"Drama"})),
            {"liked": Mark([0], charts.LIKED, "circle")},
            Look({"Drama"}),
        )
    )
    assert sum(len(trace.x) for trace in figure.data if trace.name != "liked") == count
    assert all(trace.type == "scattergl" for trace in figure.data)
    assert all("<b>" not in text for trace in figure.data for text in trace.text)
    assert not count or figure.data[-1].name == "liked"


def test_the_groups_are_the_most_frequent_values_and_other():
    values = pd.Series([f"g{i}" for i in range(30) for _ in range(40 - i)] + ["", None])
    groups = colouring.leading(values)
    assert (
        len(groups.cat.categories) == colouring.MOST_GROUPS + 1
        and groups.iloc[0] == "g0"
        and groups.iloc[-1] == groups.iloc[-2] == charts.OTHER_NAME
    )


@pytest.mark.parametrize("values", [[], [3], [0, 0, 0], [0] * 50 + [1, 2, 90], list(range(100))])
def test_bands_contain_every_value_without_overlap(values):
    bands = colouring.bands(pd.Series(values, dtype=int), "likes")
    assert len(bands) == len(values) and not bands.isna().any()
    limits = [
        tuple(map(int, name.replace(",", "").split(" likes")[0].split(" to ")))
        for name in bands.cat.categories
    ]
    assert all(low[0] > high[-1] for low, high in pairwise(limits)), "largest first, each above the next"


def test_names_on_a_focused_map_cover_neither_names_nor_points():
    frame = pd.DataFrame(
        {"item_id": range(4), "title": ["a rather long name", "another long name", "a third one", "far"]}
    )
    frame = frame.assign(x=[0.0, 0.02, 0.1, 3.0], y=[0.0, 0.0, 1.0, 0.0])
    marks = {
        "near": Mark([1, 2, 3], charts.CHOSEN, "circle", named=True),
        "chosen": Mark([0], charts.CHOSEN, "star", named=True),
    }
    groups = colouring.leading(pd.Series(["Drama"] * 4))
    figure = scatter.scatter_map(frame, "item_id", "title", cloud_of(frame, groups), marks, Look(focus=0))
    near, chosen = drawn(figure).data[-2:]
    assert chosen.text[0] == "a rather long name"
    sides = dict(zip(near.text, near.textposition, strict=True))
    assert sides.get("another long name", "") != chosen.textposition[0] and "a third one" in sides
    assert list(near.hovertext) == ["another long name", "a third one", "far"]


def map_of(
    count: int, look: Look, marks: dict[str, Mark] | None = None, sizes: pd.Series | None = None
) -> Figure:
    frame = points(count)
    groups = colouring.leading(pd.Series((["Action", "Drama"] * count)[:count]))
    return scatter.scatter_map(
        frame, "item_id", "title", cloud_of(frame, groups, look, sizes), marks or {}, look
    )


def ids(trace) -> set[int]:
    return set(trace.customdata[:, 0].tolist())


def test_points_outside_the_selection_are_grey():
    grey, *coloured = drawn(map_of(20, Look(selected=[1, 2, 3]))).data
    assert grey.marker.color == charts.OTHER and ids(grey) == set(range(20)) - {1, 2, 3}
    assert [ids(trace) for trace in coloured] == [{2}, {1, 3}] and charts.OTHER not in [
        trace.marker.color for trace in coloured
    ]


def test_a_lasso_greys_the_other_points_and_a_click_does_not():
    assert {trace.unselected.marker.color for trace in drawn(map_of(20, Look(drag="lasso"))).data} == {
        charts.OTHER
    }
    assert {trace.unselected.marker.opacity for trace in drawn(map_of(20, Look())).data} == {0.9}


def test_a_mark_at_a_position_has_no_id():
    figure = map_of(5, Look(), {"<b>you</b>": Mark((), charts.LIKED, "diamond", at=(1.5, -2.0))})
    here = drawn(figure).data[-1]
    assert (
        (list(here.x), list(here.y)) == ([1.5], [-2.0])
        and here.customdata is None
        and "<b>" not in here.name
        and "<b>" not in here.text[0]
    )


@pytest.mark.parametrize("wide", [1.0, 1.4])
def test_the_points_fill_the_map_in_equal_scale(wide: float) -> None:
    frame = points(200).assign(
        x=lambda table: wide * np.linspace(-1, 1, 200), y=lambda table: table["x"] / wide
    )
    groups = colouring.leading(frame["title"])
    look = Look(ratio=scatter.ratio(frame))
    figure = scatter.scatter_map(frame, "item_id", "title", cloud_of(frame, groups, look), {}, look)
    layout = drawn(figure).layout
    spans = [float(np.ptp(axis.range)) for axis in (layout.xaxis, layout.yaxis)]
    assert spans[0] / spans[1] == pytest.approx(look.ratio) == pytest.approx(wide)
    assert all(np.ptp(frame[name]) / span > 0.9 for name, span in zip("xy", spans, strict=True))
    assert (layout.margin.l, layout.margin.t) == (0, 0) and not layout.showlegend


def test_the_legend_names_marks_then_groups_and_escapes_them() -> None:
    figure = map_of(6, Look(lit=["Drama"]), {"<i>you</i>": Mark([0], charts.PAGE[True], "star")})
    overlays.add_lines(figure, (0.0, 0.0), points(3), charts.INK[True])
    text = legend.html(figure, charts.INK[True])
    names = ["&lt;i&gt;you&lt;/i&gt;", "lines to neighbours", "Drama", "not highlighted"]
    at = [text.index(f"</b>{name}<") for name in names]
    assert at == sorted(at)
    assert f"color:{charts.PAGE[True]}" not in text and "<i>" not in text


def test_lines_go_from_the_point_to_each_neighbour() -> None:
    figure, ends = map_of(3, Look()), points(4)
    overlays.add_lines(figure, (5.0, 7.0), ends, charts.INK[False])
    line = drawn(figure).data[-1]
    assert list(line.x)[::3] == [5.0] * 4 and list(line.y)[::3] == [7.0] * 4
    assert list(line.x)[1::3] == ends["x"].tolist() and list(line.y)[1::3] == ends["y"].tolist()
    assert set(line.x[2::3]) == {None}


def test_the_density_counts_every_point_and_is_largest_where_most_are() -> None:
    frame = pd.DataFrame({"x": [0.0] * 90 + [10.0] * 10, "y": [0.0] * 90 + [4.0] * 10})
    across, down, count = overlays.density(frame)
    assert count.sum() == pytest.approx(100, rel=1e-3) and count.shape == (len(down), len(across))
    row, column = np.unravel_index(count.argmax(), count.shape)
    assert abs(across[column]) < 0.2 and abs(down[row]) < 0.2
    assert count[:, across > 5].max() / count.max() == pytest.approx(10 / 90, rel=0.01)


def test_the_area_of_a_point_grows_with_its_value():
    sizes = colouring.sized(pd.Series([0, 25, 100]), 4, 20)
    assert sizes.tolist() == [4, 12, 20]
    assert colouring.sized(pd.Series([0, 0])).nunique() == 1
    assert sorted(
        size
        for trace in drawn(map_of(3, Look(), sizes=sizes)).data
        for size in np.atleast_1d(trace.marker.size)
    ) == [4, 12, 20]


def test_region_labels_do_not_overlap_and_fewer_fit_on_a_phone():
    rng = np.random.default_rng(0)
    extent = pd.DataFrame(rng.uniform(0, 100, size=(500, 2)), columns=["x", "y"])
    regions = extent.head(60).assign(label=["Slice of <i>Life</i>", "", "Mecha"] * 20)
    figure = map_of(0, Look())
    narrow = overlays.label_regions(figure, regions, extent, dark=True)
    labels = drawn(figure).layout.annotations
    assert 0 < narrow < len(labels) < 40 and not any(
        "<i>" in label.text or not label.text for label in labels
    )
    # The first region always has its label
    assert (labels[0].x, labels[0].y) == (regions["x"].iloc[0], regions["y"].iloc[0])

    def free(chosen, pixels: int) -> bool:
        span = np.ptp(extent["x"]) / pixels
        boxes = [
            (
                label.x,
                label.y,
                len("Slice of <i>Life</i>" if "Slice" in label.text else "Mecha") * scatter.LETTER * span / 2,
            )
            for label in chosen
        ]
        return all(
            abs(a[0] - b[0]) >= a[2] + b[2] or abs(a[1] - b[1]) >= scatter.LINE * span
            for n, a in enumerate(boxes)
            for b in boxes[:n]
        )

    assert free(labels, overlays.WIDE) and free(labels[:narrow], overlays.NARROW)
    again = map_of(0, Look())
    overlays.label_regions(again, regions, extent, dark=False, clear=[(labels[0].x, labels[0].y)])
    assert (labels[0].x, labels[0].y) not in {(label.x, label.y) for label in drawn(again).layout.annotations}


def test_arrows_go_from_the_raw_to_the_aggregated_position():
    figure = map_of(3, Look())
    overlays.add_shifts(
        figure, pd.DataFrame({"raw_x": [0, 1], "raw_y": [2, 3], "x": [4, 5], "y": [6, 7]}), charts.CHOSEN
    )
    first, second = drawn(figure).data[-2:]
    assert (
        (list(first.x), list(first.y)) == ([0, 4], [2, 6])
        and first.marker.symbol[1] == "arrow"
        and first.hoverinfo == "skip"
    )
    assert first.name == second.name, "one entry in the map's legend"
    assert legend.html(figure, "#000000").count(first.name) == 1


def test_the_limits_of_bands_can_have_decimals():
    names = colouring.bands(pd.Series([1.2, 1.5, 2.7, 3.1, 9.9]), "bits", digits=1).cat.categories
    assert names[0] == "9.9 bits" and names[-1] == "1.2 bits"
