"""The sidebar's control of titles without likes: the cold boost, with its measured effect."""

from typing import Any

import streamlit as st

from dskreg.explorer import Explorer, signed_percent
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice

KEY = "boost"
HELP = (
    "Weight of the neighbours of items that nobody has liked yet: a larger value ranks such items higher. "
    "{chosen:g} was chosen on validation."
)


def choose(explorer: Explorer, notices: list[Notice]) -> Explorer:
    """Draw the slider; the model with the chosen boost.

    Without a title that has no likes, and in the paper's form, there is no slider.
    """
    measured = cache.ask(explorer, "metrics").get("evidence")
    if not measured or not measured["curve"] or (explorer.items["likes"] > 0).all():
        return explorer
    chosen = measured["boost"]
    options = sorted({row["boost"] for row in measured["curve"]} | {chosen})
    asked = {KEY: st.query_params[KEY]} if KEY in st.query_params else {}
    value: float = st.select_slider(
        "New items",
        options,
        value=chosen,
        format_func=_text,
        key=KEY,
        bind="query-params",
        help=f"{HELP.format(chosen=chosen)} {trade_off(measured['curve'], _current(chosen))}",
    )
    for wrong in widgets.not_followed(asked, {KEY: _text(value)}):
        notices.append(Notice(f"The link asks for {wrong}, which is not measured. You see {_text(value)}."))
    return cache.boosted(explorer, value)


def forget() -> None:
    """Callback: the next model begins with the boost chosen for it."""
    st.session_state.pop(KEY, None)


def trade_off(curve: list[dict[str, Any]], boost: float) -> str:
    """What the boost costs titles with likes on validation, in a sentence; "" where it was not measured."""
    by_boost = {row["boost"]: row for row in curve}
    row, unscored = by_boost.get(boost), by_boost.get(0.0)
    if row is None or unscored is None or not unscored["warm"]:
        return ""
    warm, every = (row[name] / unscored[name] - 1 for name in ("warm", "all"))
    return (
        f"At {_text(boost)}, validation NDCG@20 of items with likes changes by {signed_percent(warm)} "
        f"and that of all items by {signed_percent(every)}, compared with no new items; that of new "
        f"items is {row['cold']:.3f}."
    )


def _text(boost: float) -> str:
    return f"{boost:g}"


def _current(default: float) -> float:
    value = st.session_state.get(KEY, default)
    return value if isinstance(value, float) else default
