"""The selected point and the selection of a map, and the fields that hold them in the link.

`point` (a user) and `picked` (points of a lasso or box) are bound text fields, so a link carries them. A
selection of more than `CARRIED` points would make the link too long and stays in the session.
"""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.ui.frame import sidebar, url

CARRIED = 150  # ids of a selection that the link holds
TITLES, USERS = "titles", "users"
ID = {TITLES: "item_id", USERS: "user_id"}


def fields() -> None:
    """The text fields of the link's ids. They must be drawn before their values are read."""
    with url.parameters():
        st.caption(f"A copied link carries these ids, but no selection of more than {CARRIED} points.")
        st.text_input("Selected user", key="point", bind="query-params", placeholder="none")
        st.text_input(
            "Selected points",
            key="picked",
            bind="query-params",
            placeholder="none, comma-separated ids",
            on_change=_forget_large_selection,
        )
        st.text_input("Coloured entities", key="entities", bind="query-params", placeholder="relation:name")


def selected() -> list[str]:
    """The ids of the selected points, as text."""
    written = dict.fromkeys((st.session_state.get("picked") or "").replace(",", " ").split())
    return list(written)[:CARRIED] or list(st.session_state.get("picked_many", ()))


def choose(wanted: object, kind: str) -> None:
    """Callback: select this title or user."""
    if kind == TITLES:
        sidebar.inspect(wanted)
    else:
        st.session_state["point"] = "" if wanted is None else str(wanted)


def take_points(kind: str, tool: str) -> None:
    """Callback: keep the clicked point or the selection, which plotly forgets when the figure changes."""
    drawn = st.session_state["map_chart"]["selection"]["points"]
    found = list(dict.fromkeys(str(key) for key in map(_id, drawn) if key is not None))
    if tool == "pan":
        if found:
            choose(found[0], kind)
        return
    few = len(found) <= CARRIED
    st.session_state["picked"] = ",".join(found) if few else ""
    st.session_state["picked_many"] = () if few else tuple(found)
    st.session_state["drawn_in_browser"] = True


def forget() -> None:
    """Callback: clear the selection."""
    st.session_state["picked"], st.session_state["picked_many"] = "", ()


def drawn_ids(all_ids: pd.Series, ids: list[str]) -> list[Any]:
    """The selected ids of the map that the figure itself shows.

    The browser draws a selection just made. The figure is then left as it is, since a new one would reset
    the zoom.
    """
    if not st.session_state.pop("drawn_in_browser", False):
        st.session_state["figure_selection"] = ids
    drawn = st.session_state.get("figure_selection", [])
    return all_ids[all_ids.astype(str).isin(drawn)].tolist() if drawn else []


def _forget_large_selection() -> None:
    st.session_state["picked_many"] = ()


def _id(point: dict[str, Any]) -> Any:
    data = point.get("customdata")
    return data[0] if isinstance(data, list) and data else data.get("0") if isinstance(data, dict) else data
