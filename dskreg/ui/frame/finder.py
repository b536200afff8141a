"""Finding users of the data: presets, one click each, and a search by id, genres, activity and rarity."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dskreg.explorer import ORDERS, Explorer
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain

MOST = 50  # users that a chooser sends to the browser
ORDER_HELP = (
    "Most unusual: by the mean self-information of the user's liked items, in bits. "
    "An item liked by half of all users has 1 bit, one liked by a quarter has 2. "
    "With “Loves”, the users with the largest share of that genre come first."
)
MATCH_HELP = "Id, number of likes, mean item self-information (bits), and the genres that stand out."


def choose_user(user_id: object) -> None:
    """Callback: show this user of the data, without the edits made to another."""
    if st.session_state.get("profile"):
        st.session_state["profile"] = ""
    st.session_state["user"] = "" if user_id is None else str(user_id).strip()
    forget_changes()


def forget_changes() -> None:
    """Callback: clear the added likes and the dislikes, which belong to the former profile."""
    st.session_state["liked"] = st.session_state["disliked"] = ""


def presets(explorer: Explorer, user_id: object) -> None:
    """Users with an interesting taste, one click each; the chosen one is marked."""
    table = cache.ask(explorer, "tastes.presets")
    if table.empty:
        return
    user_of = dict(zip(table["name"], table["user_id"].tolist(), strict=True))
    st.session_state["preset"] = next((name for name, other in user_of.items() if other == user_id), None)
    st.pills(
        "Presets",
        list(user_of),
        format_func=plain,
        key="preset",
        on_change=_take_preset,
        args=(user_of,),
        help="Users of the data, selected by fixed rules.",
    )
    if st.session_state["preset"] is not None:
        description = table.loc[table["name"] == st.session_state["preset"], "description"].iloc[0]
        st.caption(plain(f"{description[:1].upper()}{description[1:]}."))


def search(explorer: Explorer) -> None:
    """Users by the beginning of their id, the genres that they love and avoid, and their number of likes."""
    loves, avoids = _genres(explorer)
    left, right = _pair()
    least = left.number_input("Min likes", 0, None, 0, key="user_least")
    most = right.number_input("Max likes", 0, None, None, key="user_most", placeholder="any")
    left, right = _pair()
    text = left.text_input("Id prefix", key="user_prefix", type="search", live="300ms")
    order = right.selectbox("Sort by", ORDERS, key="user_order", help=ORDER_HELP)
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
        st.caption("No user matches. Clear one of the fields.")
        return
    labels = {
        user_id: " · ".join(filter(None, (str(user_id), f"{liked} likes", f"{rarity:.1f} bits", favourites)))
        for user_id, liked, rarity, favourites in zip(
            found["user_id"].tolist(), found["liked"], found["rarity"], found["favourites"], strict=True
        )
    }
    st.selectbox(
        f"Matching users ({len(found)}{'+' if len(found) == MOST else ''})",
        list(labels),
        index=None,
        format_func=lambda user_id: labels.get(user_id, str(user_id)),
        key="match",
        placeholder="choose a user",
        on_change=_take_match,
        help=MATCH_HELP,
    )


def _genres(explorer: Explorer) -> tuple[str | None, str | None]:
    """The genres that the user shall love and avoid; without a field where the data have no genres."""
    if not explorer.genres:
        return None, None
    left, right = _pair()
    kind = plain(explorer.directory.described_by)
    loves = left.selectbox(
        "Loves",
        explorer.genres,
        index=None,
        key="user_genre",
        placeholder=f"any {kind}",
        help=f"A large share of the user's liked items has this {kind}.",
    )
    avoids = right.selectbox(
        "Avoids",
        explorer.genres,
        index=None,
        key="user_avoids",
        placeholder="nothing",
        help=f"None of the user's liked items has this {kind}.",
    )
    return loves, avoids


def _pair() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Room for two fields side by side, on a telephone too."""
    row = st.container(horizontal=True, gap="small")
    return row.container(), row.container()


def _take_preset(user_of: dict[str, object]) -> None:
    name = st.session_state["preset"]
    if name in user_of:
        choose_user(user_of[name])


def _take_match() -> None:
    if st.session_state["match"] is not None:
        choose_user(st.session_state["match"])
        st.session_state["match"] = None
