"""The selected point of a map with its nearest neighbours, and the marks that show them."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.common.widgets import Notice
from dskreg.ui.embeddings.controls import ID, TITLES, View
from dskreg.ui.embeddings.scatter import Mark
from dskreg.ui.frame.sidebar import Selection


@dataclass(frozen=True)
class Focus:
    """The selected point, its nearest neighbours, and the sidebar's profile on the same map."""

    kind: str
    profile: Profile  # of the sidebar
    who: Any  # a title's id, or a Profile; None: nothing is selected
    name: str = ""
    near: tuple[Any, ...] = ()  # ids
    recommended: tuple[Any, ...] = ()  # ids, on the map of titles
    here: tuple[float, float] | None = None  # the profile's position on the map of users
    at: tuple[float, float] | None = None  # the selected point's position

    @property
    def id(self) -> Any:
        """The id of the selected point; None for a custom profile."""
        return self.who if self.kind == TITLES else getattr(self.who, "user_id", None)

    @property
    def asked(self) -> Any:
        """The selected point as `maps.near` takes it: the id, or a profile that differs from the data."""
        custom = self.kind != TITLES and (self.who.edited or self.who.user_id is None)
        return self.who if custom else self.id


def focus_of(selection: Selection, view: View, frame: pd.DataFrame) -> Focus:
    """The focus of this run of the page; `frame` are the points of the map."""
    explorer, profile = selection.explorer, selection.profile
    recommended: list[Any] = []
    here = None
    if view.kind == TITLES:
        if profile.history:
            recommended = selection.recommended()
        who = selection.item() if profile.history else selection.item_id
        name = "" if who is None else str(explorer.item(who)["title"])
    else:
        here = cache.ask(explorer, "maps.place", profile, view.method)
        who = _selected_user(explorer, profile)
        name = "" if who is None else who.label
    near: list[Any] = []
    focus = Focus(view.kind, profile, who, name, recommended=tuple(recommended), here=here)
    if who is not None:
        options: dict[str, Any] = {"k": view.k, "metric": view.metric, **view.map}
        near = cache.ask(explorer, "maps.near", view.kind, focus.asked, **options)[ID[view.kind]].tolist()
    return replace(focus, near=tuple(near), at=_position(explorer, focus, view, frame))


def _position(
    explorer: Explorer, focus: Focus, view: View, frame: pd.DataFrame
) -> tuple[float, float] | None:
    """Where the selected point is on the map; None where it is not."""
    if focus.who is None:
        return None
    row = frame[frame[ID[view.kind]] == focus.asked]
    if len(row):
        return float(row["x"].iloc[0]), float(row["y"].iloc[0])
    if view.kind == TITLES:
        return None
    at: tuple[float, float] | None = cache.ask(explorer, "maps.place", focus.who, view.method)
    return at


def _selected_user(explorer: Explorer, profile: Profile) -> Profile | None:
    """The user in the field `point`; by default the sidebar's profile, if it has likes."""
    default = profile if profile.history else None
    wanted = (st.session_state.get("point") or "").strip()
    if not wanted:
        return default
    try:
        return explorer.profile(wanted[:80])
    except InputError as error:
        widgets.show_notice(Notice(f"{error}. You see {profile.label} instead."))
        return default


def marks(focus: Focus, frame: pd.DataFrame, dark: bool) -> dict[str, Mark]:
    """The marks on the map, by their name in the legend; the last is on top."""
    nearest = Mark(focus.near, charts.INK[dark], "circle-open", named=True)
    if focus.kind == TITLES:
        return {
            "liked": Mark(focus.profile.history, charts.LIKED, "circle"),
            "recommended": Mark(focus.recommended, charts.PAGE[dark], "hexagram"),
            "nearest neighbours": nearest,
            "selected item": Mark([focus.who], charts.CHOSEN, "star", named=True),
        }
    profile, who = focus.profile, focus.who
    found = {"nearest neighbours": nearest}
    if profile.edited and profile.user_id is not None:
        found["before the edits"] = Mark([profile.user_id], charts.LIKED, "diamond-open")
    if focus.here is not None:
        custom = profile.user_id is None or profile.edited
        name = "this profile" if custom else "this user"
        found[name] = Mark((), charts.LIKED, "diamond", at=focus.here)
    if who is not None and who != profile:
        placed = who.user_id in set(frame["user_id"])
        ids, at = ((who.user_id,), None) if placed else ((), focus.at)
        found["selected user"] = Mark(ids, charts.CHOSEN, "star", named=True, at=at)
    return found
