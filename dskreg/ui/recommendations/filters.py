"""The filters above a list of recommendations, bound to the URL."""

from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dskreg.explorer import Explorer, percent
from dskreg.ui.common import widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.recommendations import posters
from dskreg.ui.recommendations.panels import DIVERSITY_HELP, near_field

VIEWS = ("cards", "table")
POPULARITY: dict[str, int | None] = {
    "all": None,
    "up to 20 likes": 20,
    "up to 5 likes": 5,
    "cold start (0 likes)": 0,
}
OLDER_LINKS = dict(zip(("anybody", "20 at most", "5 at most", "nobody yet"), POPULARITY, strict=True))
POPULARITY_HELP = "Number of users who like the item in training."
PARAMETERS = ("genres", "types", "liked_by", "diversity", "view")


@dataclass(frozen=True)
class Filters:
    """Which titles are listed, and how."""

    genres: tuple[str, ...]
    types: tuple[str, ...]
    popularity: str
    diversity: float  # 0 .. 1
    view: str

    @property
    def narrow(self) -> bool:
        """Is a genre, a type or a popularity chosen?"""
        return bool(self.genres or self.types or POPULARITY[self.popularity] is not None)

    def by_score(self) -> dict[str, Any]:
        """The arguments of `Explorer.recommend`, without diversity."""
        return {
            "genres": self.genres,
            "types": self.types,
            "most_likes": POPULARITY[self.popularity],
        }

    def in_words(self) -> str:
        """What differs from the whole list: "Mecha · popularity up to 5 likes"."""
        few = "" if POPULARITY[self.popularity] is None else f"popularity {self.popularity}"
        varied = f"diversity {percent(self.diversity)}" if self.diversity else ""
        parts = (" or ".join(self.types), " or ".join(self.genres), few, varied)
        return " · ".join(filter(None, parts))

    def arguments(self) -> dict[str, Any]:
        """The arguments of `Explorer.recommend`."""
        return self.by_score() | {"diversity": self.diversity}


def choose(explorer: Explorer, view_place: DeltaGenerator) -> tuple[Filters, list[str]]:
    """Draw the filters in a closed strip and the choice of the view in `view_place`; return both and the
    link's invalid parameters as `name=value`.
    """
    asked = {name: values for name in PARAMETERS if (values := st.query_params.get_all(name))}
    invalid = [
        f"{name}={value[:40]}"
        for name, known in (("genres", explorer.genres), ("types", explorer.types))
        for value in asked.get(name, [])
        if value and value not in known
    ]
    last = {name: values[-1] for name, values in asked.items()}
    if (popularity := OLDER_LINKS.get(last.get("liked_by", ""))) and "liked_by" not in st.session_state:
        st.session_state["liked_by"] = last["liked_by"] = popularity
    with view_place:
        view = widgets.one_of("View", VIEWS, "view", label_visibility="collapsed")
    with (
        st.expander("Filters", icon=":material/tune:", key="filters"),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        filters = _fields(explorer, view)
        posters.switch(explorer)
        near_field()
    shown = {
        "liked_by": filters.popularity,
        "diversity": round(100 * filters.diversity),
        "view": filters.view,
    }
    return filters, invalid + widgets.not_followed(last, shown)


def _fields(explorer: Explorer, view: str) -> Filters:
    genres, types = (
        tuple(
            st.multiselect(
                label,
                known,
                key=name,
                bind="query-params",
                placeholder=f"all {name}" if label.lower() == name else "all",
                width=width,
            )
            if known
            else ()
        )
        for name, label, known, width in (
            ("genres", widgets.genres_label(explorer), explorer.genres, 160),
            ("types", "Types", explorer.types, 120),
        )
    )
    popularity = st.selectbox(
        "Popularity", list(POPULARITY), key="liked_by", bind="query-params", width=160, help=POPULARITY_HELP
    )
    diversity = st.slider(
        "Diversity",
        0,
        100,
        0,
        5,
        format="%d%%",
        key="diversity",
        bind="query-params",
        width=140,
        help=DIVERSITY_HELP,
    )
    return Filters(genres, types, popularity, diversity / 100, view)


def show_nothing(filters: Filters, hide_seen: bool) -> None:
    """Why the list is empty, and the button that clears the filters."""
    few = "" if POPULARITY[filters.popularity] is None else f"popularity {filters.popularity}"
    parts = [part for part in (" or ".join(filters.types), " or ".join(filters.genres), few) if part]
    if not parts:
        off = " Switch off “Hide seen items” in the sidebar's settings." * hide_seen
        st.info(f"No item is left: this user has seen the whole catalogue.{off}")
        return
    why = "The user has seen all such items, or there are none." if hide_seen else ""
    st.info(f"No item matches {plain(' and '.join(parts))}. {why}", icon=":material/filter_alt_off:")
    st.button("Clear filters", icon=":material/filter_alt_off:", on_click=_clear)


def _clear() -> None:
    st.session_state.update(genres=[], types=[], liked_by="all")
