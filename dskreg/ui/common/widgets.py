"""Parts that several pages show: safe text and CSV, the profile's header, notices, panels without a model."""

import os
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dskreg.explorer import Explanation, Explorer, Profile, harmless, legible, percent
from dskreg.ui.common.charts import shorten

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$&^=])")
_JOINED = re.compile(r":(?=\S)|@(?=\S)|(?i:\bwww)(?=\\\.)")
_SIGN = re.compile(r"(?<!\S)([<>~-])(->|[>=-])(?!\S)")
LONGEST = 500  # characters of any text from a file
SIMULATED = (
    "The items of the demo are real; its users are simulated with planted tastes, "
    "so you can compare the model with them."
)
NOTHING_KNOWN = (
    "Nothing is known of this user's taste: the data contain no like. "
    "Every score is 0, and items are ranked by popularity (number of likes)."
)


def genres_label(explorer: Explorer) -> str:
    """The heading of what describes items: their genres, or the relation that stands for them."""
    kind = explorer.directory.described_by
    return "Genres" if kind == "genre" else plain(kind.capitalize())


def plain(text: object) -> str:
    """Text from a file or a link with Markdown, LaTeX and shortcodes escaped, for labels and st.markdown."""
    # Streamlit looks for shortcodes, URLs, e-mail addresses and signs like -> after it has removed Markdown's
    # escapes: an invisible joiner splits them.
    parted = _SIGN.sub("\\1\u2060\\2", shorten(legible(str(text)), LONGEST))
    return _JOINED.sub("\\g<0>\u2060", _MARKDOWN.sub(r"\\\1", parted))


def one_of(label: str, options: Sequence[Any], key: str, default: Any = None, **more: Any) -> Any:
    """A segmented control bound to the URL; `default`, or the first option, where the parameter is empty.

    `required=True` keeps a user from choosing no option, but a link can.
    """
    first = options[0] if default is None else default
    chosen = st.segmented_control(
        label, options, default=first, required=True, key=key, bind="query-params", **more
    )
    return first if chosen is None else chosen


def from_neighbours(explanation: Explanation) -> str | None:
    """The sampled neighbours' share of the score in words; None where the score is 0 or below."""
    if explanation.pre_activation_score <= 0:
        return None
    return f"{percent(explanation.neighbour_contribution / explanation.pre_activation_score)} of the score"


def safe_csv(table: pd.DataFrame) -> bytes:
    """CSV (UTF-8 with a byte-order mark) in which text that could be a spreadsheet formula is quoted."""
    return harmless(table).to_csv(index=False).encode("utf-8-sig")


@dataclass(frozen=True)
class Notice:
    """An invalid part of the link or the folder, and a button that resolves it."""

    text: str
    button: str = ""
    action: Callable[[], None] | None = None


def notices_here(place: DeltaGenerator) -> None:
    """From now on, notices stand in this place: the frame's, above the page's title."""
    st.session_state["notices"] = place


def show_notice(notice: Notice) -> None:
    """A warning with the notice's button beside it, above the page's title."""
    place = st.session_state.get("notices") or st.container()
    with place.container(horizontal=True, vertical_alignment="center"):
        st.warning(plain(notice.text[:1].upper() + notice.text[1:]), icon=":material/link_off:", width=700)
        if notice.button:
            st.button(notice.button, key=f"notice {notice.button}", on_click=notice.action)


def not_followed(asked: dict[str, str], shown: dict[str, object]) -> list[str]:
    """The link's invalid settings as `name=value`; bound widgets replace them by their defaults silently.

    Args:
        asked: the link's parameters, read before the widgets were drawn.
        shown: the widgets' values. True is always valid: a link may write it as `1` or `yes`.
    """
    different = []
    for name, value in shown.items():
        try:
            same = (
                name not in asked
                or value is True
                or str(value).lower() == asked[name].lower()
                or float(asked[name]) == float(str(value))
            )
        except ValueError:
            same = False
        if not same:
            different.append(f"{name}={asked[name][:40]}")
    return different


def profile_header(explorer: Explorer, profile: Profile, prefix: str = "") -> None:
    """The profile's label, with a badge where it is custom or simulated, and what its lists leave out; with a
    prefix, the page's title.
    """
    text = f"{prefix} {profile.label}".strip()
    text = plain(text[:1].upper() + text[1:])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if prefix:
            st.title(text, anchor=False, width="content")
        else:
            st.markdown(f"**{text}**", width="content")
        if profile.user_id is None:
            st.badge("custom, kept in the link", icon=":material/link:", color="blue")
        elif explorer.simulated:
            st.badge("simulated user", icon=":material/science:", color="orange", help=SIMULATED)
        st.caption(left_out(explorer, profile), width="content")
    if not profile.history:
        st.info(NOTHING_KNOWN, icon=":material/help:")


def left_out(explorer: Explorer, profile: Profile) -> str:
    """What the user's lists and ranks leave out: "Hidden: 36 liked, 28 other seen (9 held out)"."""
    counts = explorer.left_out(profile)
    held_out = f" ({counts['held_out']:,} held out)" if counts["held_out"] else ""
    words = {"history": "liked", "seen": f"other seen{held_out}", "disliked": "disliked"}
    parts = [(counts[key], f"{counts[key]:,} {text}") for key, text in words.items()]
    adult = ["adult items"] if explorer.adult_titles and not explorer.adult else []
    named = [text for count, text in parts if count] + adult
    return f"Hidden: {', '.join(named)}" if named else "Hidden: none"


def broken_artifact(message: str, folder: Path, others: bool) -> None:
    """Why the artifact cannot be opened, and what to do: train one in this folder, or choose another."""
    st.title("This model cannot be opened", anchor=False)
    st.error(plain(message), icon=":material/error:")
    st.markdown(
        "Choose another model in the sidebar, or train one on the bundled demo data:"
        if others
        else "Train a new one on the bundled demo data:"
    )
    st.code(training_command(folder / "my-model"), language="bash")
    _or_in_the_app()
    st.button("Try again", icon=":material/refresh:", key="try_again")


def _or_in_the_app() -> None:
    st.page_link("pages/runs.py", label="Train in the app", icon=":material/model_training:")


def training_command(out: Path) -> str:
    """The command that trains a model into the folder `out`."""
    short = os.path.relpath(out) if out.absolute().is_relative_to(Path.cwd()) else str(out)
    return f"dskreg train demo --out {shlex.quote(short)}"


def no_artifact(folder: Path) -> None:
    """What to do where the folder holds no artifact."""
    st.title("No model yet", anchor=False)
    st.info(f"There is no model in the folder {plain(folder.absolute())}.", icon=":material/folder_off:")
    st.markdown("Train one on the bundled demo data (1 to 2 minutes on a laptop), then press “Look again”:")
    st.code(training_command(folder / "demo"), language="bash")
    _or_in_the_app()
    st.caption(
        "Models in another folder: start the app with the environment variable DSKREG_ARTIFACTS set to it."
    )
    st.button("Look again", icon=":material/refresh:", key="look_again")


def no_titles(explorer: Explorer, add: Callable[[object], None]) -> None:
    """How to begin a custom profile: the most popular titles, one click each."""
    st.title("Custom profile", anchor=False)
    st.markdown(
        "This profile has no item yet. "
        "Add three to five items that you like, here or with the search in the sidebar."
    )
    popular = explorer.items.sort_values("likes", ascending=False).head(16)
    with st.container(horizontal=True, gap="small"):
        for item_id, title in zip(popular["item_id"], popular["title"], strict=True):
            st.button(
                plain(title), key=f"begin {item_id}", icon=":material/add:", on_click=add, args=(item_id,)
            )


def listed(parts: list[str]) -> str:
    """The parts as "A, B and C"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
