"""plotly figures as plain dictionaries.

plotly's own Figure validates every property, which takes 10 to 100 ms per chart. Here nothing does:
tests/visits.py validates the charts of every page that the tests visit.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any, Self

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io


class Figure:
    """A chart's traces and layout, with plotly's names of properties.

    data:   one dictionary per trace
    layout: settings of the axes, legend, margins and so on
    """

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []
        self.layout: dict[str, Any] = {}

    def add(self, kind: str, **properties: Any) -> Self:
        """Draw a trace of this kind, such as "scatter" or "bar", on top of the others."""
        self.data.append({"type": kind} | properties)
        return self

    def update(self, **settings: Any) -> Self:
        """Change the layout; dictionaries change only the settings that they name, and None nothing."""
        self.layout = merged(self.layout, settings)
        return self

    def x_axis(self, **settings: Any) -> Self:
        """Change the horizontal axis."""
        return self.update(xaxis=_axis(settings))

    def y_axis(self, **settings: Any) -> Self:
        """Change the vertical axis."""
        return self.update(yaxis=_axis(settings))

    def annotate(self, **properties: Any) -> Self:
        """Write a text without an arrow."""
        self.layout.setdefault("annotations", []).append({"showarrow": False} | properties)
        return self

    def add_line(self, line: dict[str, Any], **ends: Any) -> Self:
        """Draw a straight line between the ends x0, x1, y0 and y1; xref and yref say in which units."""
        self.layout.setdefault("shapes", []).append({"type": "line", "line": line} | ends)
        return self

    def add_vertical(self, x: float, line: dict[str, Any]) -> Self:
        """Draw a line at x from the bottom to the top."""
        return self.add_line(line, x0=x, x1=x, xref="x", y0=0, y1=1, yref="y domain")

    def spec(self) -> dict[str, Any]:
        """The figure as JSON has it: {"data": [...], "layout": {...}}, with Streamlit's template."""
        layout = {"template": _template(plotly.io.templates.default)} | self.layout
        return {"data": [_encoded(trace) for trace in self.data], "layout": _encoded(layout)}

    def unchecked(self) -> go.Figure:
        """The figure for st.plotly_chart, which sends it as it is."""
        return _Unchecked(self.spec())


class _Unchecked(go.Figure):
    """A figure that is the dictionary which it was made from: st.plotly_chart would validate a dictionary."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec

    def to_dict(self) -> dict[str, Any]:
        return self._spec


def merged(settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The settings with the changes; both stay as they are."""
    changed = {
        name: merged(settings.get(name, {}), value) if isinstance(value, dict) else value
        for name, value in changes.items()
        if value is not None
    }
    return settings | changed


def _axis(settings: dict[str, Any]) -> dict[str, Any]:
    title = settings.get("title")
    return settings | {"title": {"text": title}} if isinstance(title, str) else settings


@cache
def _template(name: str) -> dict[str, Any]:
    template: dict[str, Any] = plotly.io.templates[name].to_plotly_json()
    return template


def _encoded(value: Any) -> Any:
    """Arrays and columns as lists, those of numbers as the typed arrays of plotly.js."""
    if isinstance(value, dict):
        return {name: _encoded(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, pd.Series):
        value = value.to_numpy()
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.kind not in "fi" or not value.size:
        return value.tolist()
    if value.dtype.kind == "i":
        value = value.astype("int32" if abs(value).max() < 2**31 else "float64")
    array = {"dtype": value.dtype.str[1:], "bdata": base64.b64encode(value.tobytes()).decode("ascii")}
    return array if value.ndim == 1 else array | {"shape": ", ".join(map(str, value.shape))}
