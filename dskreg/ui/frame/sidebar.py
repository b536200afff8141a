"""The frame's sidebar: which model, whose recommendations, which title. Pages read the outcome through
`current()`.

The address holds the state. Its parameters are the keys of bound widgets: `artifact`, `profile` (viewer or
mine), `user`, `titles`, `liked`, `disliked`, `item`, `top`, `adult`. Streamlit writes a bound widget's label
into the address, so ids live in plain text fields; the comfortable pickers beside them are unbound and only
write into those fields from their callbacks.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui.common import brand, cache, widgets
from dskreg.ui.common.widgets import Notice
from dskreg.ui.frame import link, people, tour

KINDS = ("viewer", "mine")
FIRST_PAGE = "recommendations"
MOST_TOP = 50
TOP = 10


class PageEnd(Exception):
    """What a page raises that has shown all it has.

    After st.stop() Streamlit draws nothing more, not even the frame's link.
    """


@dataclass(frozen=True)
class Selection:
    """What the sidebar says in this run.

    explorer: the open artifact; without adult titles unless they are switched on (URL parameter `adult`)
    profile:  a viewer of the data, or a hand-made profile; with the titles liked and disliked on top
    item_id:  the title under inspection (URL parameter `item`); None: the first recommendation
    top:      how many recommendations are asked for (URL parameter `top`)
    """

    explorer: Explorer
    profile: Profile
    item_id: int | str | None
    top: int


def current(needs_profile: bool = True) -> Selection:
    """The selection of this run: what a page calls first.

    With `needs_profile`, a hand-made profile without a title ends the page here with a panel that says how to
    begin.
    """
    inside_frame()
    selection: Selection = st.session_state["selection"]
    if needs_profile and selection.profile.user_id is None and not selection.profile.history:
        widgets.no_titles(selection.explorer, people.like)
        raise PageEnd
    return selection


def inside_frame() -> None:
    """What a page calls first that needs no model: it makes sure that the frame is around it."""
    if not st.session_state.get("framed"):
        _find_frame()


def _find_frame() -> None:
    """Start this run again inside app.py.

    Until a process has called st.navigation once, Streamlit takes pages/ for its older kind of multipage app
    and runs a page's file without app.py: that is what the first visitor gets whose link names a page, and
    AppTest on every run.
    """
    if st.session_state.pop("looking_for_frame", False):
        st.error("This page needs the app around it. Start it with: streamlit run app.py")
        st.stop()
    st.session_state["looking_for_frame"] = True
    paths = sorted((cache.ROOT / "pages").glob("*.py"))
    # The default one loses its address
    st.navigation([st.Page(path, default=path.stem == FIRST_PAGE) for path in paths], position="hidden")
    st.rerun()


def inspect(item_id: object, page: str = "") -> None:
    """Make a title the one under inspection and, if `page` names a file under pages/, go there.

    Call it from a widget's callback (`on_click=inspect, args=(...)`): the sidebar's fields are drawn before
    the page runs.
    """
    st.session_state["item"] = str(item_id)
    if page:
        st.session_state["go"] = page


@contextmanager
def frame(page: str = "", needs_model: bool = True) -> Iterator[None]:
    """Draw the sidebar and the header around the page that runs inside this context; `page` is its title, for
    the tour.

    Without a usable artifact the run ends here with a panel that says what to do, unless the page can do
    without.
    """
    st.session_state.pop("looking_for_frame", None)
    header = st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"
    )
    with header:
        link.one_entry_each()
    tour.draw(page, header)
    if not _draw(needs_model) and needs_model:
        st.stop()
    st.session_state["framed"] = True
    try:
        with suppress(PageEnd):
            yield
    finally:
        st.session_state["framed"] = False
        with header:
            link.copy_link()  # last: now the address holds the page's own settings too


def _draw(needs_model: bool) -> bool:
    """Draw the sidebar, store this run's Selection, and show above the page what could not be followed.

    False where there is no usable artifact; a page that `needs_model` then gives way to a panel that says
    what to do.
    """
    st.logo(brand.WORDMARK, icon_image=brand.LOGO, size="large")
    names = cache.artifact_names()
    if not names:
        if needs_model:
            widgets.no_artifact(cache.artifacts_folder())
        return False
    notices = _garbage(names)
    with st.sidebar:
        text = "A trained model with its data: one folder under artifacts/."
        name = st.selectbox(
            "Model", names, key="artifact", bind="query-params", help=text, on_change=leave_model
        )
    try:
        opened = cache.open_explorer(cache.artifact_path(name))
    except InputError as error:
        if needs_model:
            widgets.broken_artifact(str(error), cache.artifacts_folder(), others=len(names) > 1)
        return False
    _forget_ids_of_other_data(opened)
    with st.sidebar:
        kind = widgets.one_of(
            "Whose recommendations?",
            KINDS,
            "profile",
            width="stretch",
            on_change=people.forget_changes,
            help="A viewer from the data, or a profile that you put together from titles you like.",
        )
        above = st.container()
        explorer = _veil(opened)
        ids = _address_fields(kind)
        with above:
            profile = people.person(explorer, kind, ids, notices)
            top = st.slider("How many recommendations", 1, MOST_TOP, TOP, key="top", bind="query-params")
            item_id = _item(explorer, profile, top, ids["item"].strip(), notices)
        tour.again()
    st.session_state["selection"] = Selection(explorer, profile, item_id, top)
    if page := st.session_state.pop("go", None):
        # None would clear the address, which Streamlit refuses for bound parameters
        st.switch_page(page, query_params={})
    for notice in notices:
        widgets.show_notice(notice)
    return True


def leave_model() -> None:
    """Callback: another model was chosen.

    Ids mean other people and titles in other data, so they go unless the data stay the same.
    """
    if selection := st.session_state.get("selection"):
        st.session_state["left_data"] = selection.explorer.info()["dataset"]


def _forget_ids_of_other_data(opened: Explorer) -> None:
    if st.session_state.pop("left_data", opened.info()["dataset"]) != opened.info()["dataset"]:
        for key in ("user", "titles", "liked", "disliked", "item"):
            if st.session_state.get(key):
                st.session_state[key] = ""


def _veil(opened: Explorer) -> Explorer:
    """The artifact without its adult titles, unless they are switched on; the switch is there only where
    there are any.
    """
    if not opened.adult_titles:
        return opened
    text = f"{opened.adult_titles:,} titles of this model have an adult genre. Hidden, they are in no list, search or map, and nameless elsewhere."
    shown = st.toggle("Show adult titles", key="adult", bind="query-params", help=text)
    return opened if shown else opened.without_adult


def _garbage(names: list[str]) -> list[Notice]:
    """Parameters of the link that no widget can follow.

    Read before the widgets are drawn: they drop such values silently.
    """
    notices = []
    wanted = st.query_params
    if wanted.get("artifact", names[0]) not in names:
        notices.append(
            Notice(
                f"The link asks for the model “{wanted['artifact'][:80]}”, which is not here. You see “{names[0]}” instead."
            )
        )
    if wanted.get("profile", KINDS[0]) not in KINDS:
        notices.append(
            Notice(
                f"The link asks for the profile “{wanted['profile'][:80]}”; known are {' and '.join(KINDS)}. You see a viewer of the data."
            )
        )
    top = wanted.get("top", str(TOP))
    if not (top.isascii() and top.isdigit() and 1 <= int(top[:9]) <= MOST_TOP):
        notices.append(
            Notice(
                f"The link asks for “{top[:80]}” recommendations; 1 to {MOST_TOP} can be shown. You see {TOP}."
            )
        )
    return notices


def _address_fields(kind: str) -> dict[str, str]:
    """The bound fields behind the pickers, drawn before them: only a drawn field knows what the browser's
    back button has restored.
    """
    several = "comma-separated ids"
    mine = {"titles": ("Titles of my profile", several)}
    other = {"user": ("Viewer", "the suggested viewer"), "liked": ("Liked by hand", several)}
    fields = (mine if kind == "mine" else other) | {"disliked": ("Disliked by hand", several)}
    fields |= {"item": ("Title under inspection", "the first recommendation")}
    values = {}
    with st.expander("Ids in the link", icon=":material/link:"):
        st.caption("A copied link opens this very view. It carries these ids; edit them to jump.")
        for key, (label, placeholder) in fields.items():
            changed = people.forget_changes if key == "user" else None
            values[key] = (
                st.text_input(label, key=key, bind="query-params", placeholder=placeholder, on_change=changed)
                or ""
            )
    return values


def _item(
    explorer: Explorer, profile: Profile, top: int, wanted: str, notices: list[Notice]
) -> int | str | None:
    """The title under inspection: one of the recommendations, or any title by name."""
    item_id, title = None, ""
    if wanted:
        try:
            row = explorer.item(wanted[:80])
            if row["adult"] and not explorer.adult:
                text = "The link leads to an adult title; these are hidden. You see the first recommendation instead."
                notices.append(Notice(text, "Show adult titles", partial(people.set_field, "adult", True)))
            else:
                item_id, title = row["item_id"], str(row["title"])
        except InputError as error:
            notices.append(
                Notice(
                    f"{error}. You see the first recommendation instead.",
                    "Keep the first recommendation",
                    partial(people.set_field, "item", ""),
                )
            )
    labels: dict[object, str] = {}
    if profile.history or profile.user_id is not None:
        table = cache.recommendations(explorer, profile, top)
        labels = {
            key: f"{rank}. {name}"
            for rank, key, name in zip(table["rank"], table["item_id"].tolist(), table["title"], strict=True)
        }
    first = next(iter(labels.values()), "none yet")
    if item_id is not None:
        labels.setdefault(item_id, title)
    st.session_state["item_choice"] = item_id
    st.selectbox(
        "Title under inspection",
        list(labels),
        index=None,
        format_func=lambda key: labels.get(key, str(key)),
        key="item_choice",
        placeholder=first,
        accept_new_options=True,
        on_change=_take_item,
        args=(explorer,),
        help="The sampling page opens this title. Choose one of the recommendations, or type the name of any title and press Enter.",
    )
    return item_id


def _take_item(explorer: Explorer) -> None:
    choice = st.session_state["item_choice"]
    st.session_state["item"] = "" if choice is None else find_title(explorer, choice)


def find_title(explorer: Explorer, wanted: object) -> str:
    """The id meant by an id or by a part of a title's name; what nobody knows comes back as it is, for the
    notice.
    """
    try:
        return str(explorer.item(wanted)["item_id"])
    except InputError:
        found = explorer.find_items(str(wanted), limit=1)
        return str(found["item_id"].iloc[0]) if len(found) else str(wanted)
