"""Figures as dictionaries: what is sent to plotly.js, and what they share."""

import base64
import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io
import pytest

from dskreg.ui.common import charts
from dskreg.ui.common.figure import Figure, merged
from tests.plots import check, drawn


def numbers(sent: dict[str, str]) -> np.ndarray:
    values = np.frombuffer(base64.b64decode(sent["bdata"]), dtype=sent["dtype"])
    return values.reshape([int(n) for n in sent.get("shape", str(len(values))).split(",")])


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([0.5, float("nan"), 2.0]),
        np.array([1.5, 2.5], dtype="float32"),
        np.array([[1], [2**40]]),
        np.arange(6).reshape(3, 2)[:, :1],
    ],
)
def test_numbers_arrive_as_they_are(values: pd.Series | np.ndarray) -> None:
    sent = json.loads(plotly.io.to_json(Figure().add("scatter", x=values).unchecked()))["data"][0]["x"]
    assert np.array_equal(numbers(sent), np.asarray(values), equal_nan=True)


def test_text_and_empty_columns_arrive_as_lists_and_none_not_at_all() -> None:
    trace = Figure().add("bar", x=pd.Series(["a"]), y=np.array([]), name=None, marker={"color": None}).spec()
    assert trace["data"] == [{"type": "bar", "x": ["a"], "y": [], "marker": {}}]


def test_a_chart_changes_no_setting_that_charts_share() -> None:
    before = json.dumps(charts.LEGEND)
    figure = Figure().update(legend=charts.LEGEND).update(legend={"font": {"color": "red"}})
    assert figure.layout["legend"]["font"] == {"size": 13, "color": "red"}
    assert json.dumps(charts.LEGEND) == before
    assert merged({"a": {"b": 1}}, {"a": {"c": 2, "b": None}}) == {"a": {"b": 1, "c": 2}}


def test_an_axis_has_a_title_that_plotly_js_reads() -> None:
    figure = Figure().x_axis(title="epoch", dtick=None).x_axis(title={"font": {"color": "red"}})
    assert figure.layout == {"xaxis": {"title": {"text": "epoch", "font": {"color": "red"}}}}


def test_lines_and_texts_lie_where_plotly_would_put_them() -> None:
    figure = drawn(Figure().add("scatter", x=[0, 4], y=[0, 1]).add_vertical(2, {"color": "red"}))
    assert figure.layout.shapes == go.Figure(go.Scatter()).add_vline(2, line_color="red").layout.shapes
    assert drawn(Figure().annotate(text="here", x=1)).layout.annotations[0].showarrow is False


def test_a_chart_that_plotly_cannot_draw_is_found_by_the_tests() -> None:
    wrong = Figure().add("bar", x=[1], markers={"color": "red"})
    with pytest.raises(ValueError, match="markers"):
        drawn(wrong)
    with pytest.raises(ValueError, match="markers"):
        check(json.dumps(wrong.spec()))


def test_a_chart_carries_the_template_of_the_app() -> None:
    assert drawn(Figure()).layout.template == go.Figure(Figure().spec()).layout.template
