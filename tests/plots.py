"""Charts as plotly reads them."""

import json
from functools import lru_cache

import plotly.graph_objects as go

from dskreg.ui.common.figure import Figure


def drawn(figure: Figure) -> go.Figure:
    """The figure with the properties of its traces and layout as attributes.

    Raises:
        ValueError: plotly knows no such property or value.
    """
    return go.Figure(figure.data, figure.layout)


@lru_cache(256)
def check(spec: str) -> None:
    """Raise ValueError where plotly does not know a property or value of this JSON."""
    go.Figure(json.loads(spec))
