"""Finding people of the data: curated tastes, one click each, and a search by id, genres, activity and
oddness.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dskreg.explorer import ORDERS, Explorer
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain

MOST = 50  # people a chooser sends to the browser
ODDNESS = (
    "Oddness says how rare a person's likes are, on average, in bits: 1 bit is a title that half of all people like, "
    "each further bit one that half as many like. Those who love a genre always come first by that love."
)


def choose_viewer(user_id: object) -> None:
    """Callback: go on as this viewer of the data, without the changes that were made to another."""
    if st.session_state.get("profile") != "viewer":
        st.session_state["profile"] = "viewer"
    st.session_state["user"] = "" if user_id is None else str(user_id).strip()
    forget_changes()


def forget_changes() -> None:
    """Callback: titles liked and disliked by hand belong to one person, so they go when another is chosen."""
    st.session_state["liked"] = st.session_state["disliked"] = ""


def presets(explorer: Explorer, user_id: object) -> None:
    """Curated people, one click each; the one on show is marked."""
    table = cache.ask(explorer, "tastes.presets")
    if table.empty:
        return
    who = dict(zip(table["name"], table["user_id"].tolist(), strict=True))
    st.session_state["preset"] = next((name for name, other in who.items() if other == user_id), None)
    st.pills(
        "Worth a look",
        list(who),
        format_func=plain,
        key="preset",
        on_change=_take_preset,
        args=(who,),
        help="People of the data, found by rule.",
    )
    if st.session_state["preset"] is not None:
        description = table.loc[table["name"] == st.session_state["preset"], "description"].iloc[0]
        st.caption(plain(f"{description[:1].upper()}{description[1:]}."))


def search(explorer: Explorer) -> None:
    """People by what their id begins with, what they love and avoid, how much they like, sorted as one
    wishes.
    """
    loves = avoids = None
    if explorer.genres:
        left, right = _pair()
        loves = left.selectbox(
            "Loves",
            explorer.genres,
            index=None,
            key="user_genre",
            placeholder="any genre",
            help="A large share of what they like.",
        )
        avoids = right.selectbox(
            "Avoids",
            explorer.genres,
            index=None,
            key="user_avoids",
            placeholder="nothing",
            help="None of their liked titles has it.",
        )
    left, right = _pair()
    least = left.number_input("Likes at least", 0, None, 0, key="user_least")
    most = right.number_input("Likes at most", 0, None, None, key="user_most", placeholder="any")
    left, right = _pair()
    text = left.text_input("Id begins with", key="user_prefix", type="search", live="300ms")
    order = right.selectbox("Sorted by", ORDERS, key="user_order", help=ODDNESS)
    found = cache.ask(
        explorer,
        "tastes.find",
        (text or "").strip()[:80],
        loves=loves,
        avoids=avoids,
        least=least,
        most=most,
        order=order,
        limit=MOST,
    )
    if found.empty:
        st.caption("Nobody matches. Clear one of the fields.")
        return
    labels = {
        user_id: " · ".join(filter(None, (str(user_id), f"{liked} likes", f"{oddness:.1f} bits", favourites)))
        for user_id, liked, oddness, favourites in zip(
            found["user_id"].tolist(), found["liked"], found["oddness"], found["favourites"], strict=True
        )
    }
    st.selectbox(
        f"Matching viewers ({len(found)}{'+' if len(found) == MOST else ''})",
        list(labels),
        index=None,
        format_func=lambda user_id: labels.get(user_id, str(user_id)),
        key="match",
        placeholder="choose one",
        on_change=_take_match,
        help="Id, number of likes, oddness, and the genres that stand out.",
    )


def _pair() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Room for two fields side by side, on a telephone too."""
    row = st.container(horizontal=True, gap="small")
    return row.container(), row.container()


def _take_preset(who: dict[str, object]) -> None:
    name = st.session_state["preset"]
    if name in who:
        choose_viewer(who[name])


def _take_match() -> None:
    if st.session_state["match"] is not None:
        choose_viewer(st.session_state["match"])
        st.session_state["match"] = None
