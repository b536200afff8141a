"""The frame's sidebar: which model, which profile, which item. Pages read the outcome through `current()`.

The URL holds the state. Its parameters are the keys of bound widgets: `artifact`, `profile` (viewer or mine),
`user`, `titles`, `liked`, `disliked`, `item`, `top`, `hide_seen`, `boost`, `adult` (dskreg/ui/frame/url.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui.common import brand, cache, notes, widgets
from dskreg.ui.common.widgets import Notice
from dskreg.ui.frame import boost, link, people, skip, tour, url
from dskreg.ui.frame.url import MOST_TOP, TOP

FIRST_PAGE = "recommendations"
SEEN = "hide_seen"
TOP_HELP = "Number of recommendations in the list."
SEEN_HELP = (
    "On: the lists and ranks of all pages leave out every item that the user has seen. "
    "Off: they leave out only the likes that the model knows, so that held-out items can appear, as in the "
    "test."
)


class PageEnd(Exception):
    """Raised by a page that has nothing more to show; st.stop() would leave out the frame's link too."""


@dataclass(frozen=True)
class Selection:
    """What is chosen in the sidebar in this run."""

    # As the URL parameters `adult`, `hide_seen` and `boost` say
    explorer: Explorer
    profile: Profile  # a user of the data or a custom profile, with its edits
    item_id: int | str | None  # the selected item (URL parameter `item`); None: the first recommendation
    top: int  # number of recommendations (URL parameter `top`)

    def recommended(self) -> list[Any]:
        """The ids of the recommendations."""
        return list(cache.recommendations(self.explorer, self.profile, self.top)["item_id"])

    def item(self) -> Any:
        """The id of the selected item, else of the first recommendation; None without either."""
        return next(iter(self.recommended()), None) if self.item_id is None else self.item_id


def current(needs_profile: bool = True) -> Selection:
    """The selection of this run; a page calls this first.

    With `needs_profile`, an empty custom profile ends the page here with a panel that says how to begin.
    """
    inside_frame()
    selection: Selection = st.session_state["selection"]
    if needs_profile and selection.profile.user_id is None and not selection.profile.history:
        widgets.no_titles(selection.explorer, people.like)
        raise PageEnd
    return selection


def inside_frame() -> None:
    """Make sure that the frame is around the page; a page that needs no model calls this first."""
    if not st.session_state.get("framed"):
        _find_frame()


def _find_frame() -> None:
    """Start this run again inside app.py.

    Until a process has called st.navigation once, Streamlit treats pages/ as its older kind of multipage app
    and runs a page's file without app.py. This happens to the first link to a page, and to every AppTest run.
    """
    if st.session_state.pop("looking_for_frame", False):
        st.error("This page runs only inside the app. Start the app with: dskreg app")
        st.stop()
    st.session_state["looking_for_frame"] = True
    paths = sorted((cache.ROOT / "pages").glob("*.py"))
    # The default page has no path of its own
    st.navigation([st.Page(path, default=path.stem == FIRST_PAGE) for path in paths], position="hidden")
    st.rerun()


def inspect(item_id: object, page: str = "") -> None:
    """Callback: select an item and, if `page` names a file under pages/, go there."""
    st.session_state["item"] = str(item_id)
    if page:
        st.session_state["go"] = page


@contextmanager
def frame(page: str = "", needs_model: bool = True) -> Iterator[None]:
    """Draw the sidebar and the header around the page that runs inside this context.

    `page` is the page's title, for the tour. Without a usable artifact the run ends here with a panel that
    says what to do, unless the page needs no model.
    """
    st.session_state.pop("looking_for_frame", None)
    link.start()
    st.logo(brand.WORDMARK, icon_image=brand.LOGO, size="large")
    header = st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"
    )
    with header:
        url.one_entry_each()
        brand.follow_theme()
        skip.draw(page)
    if page != "Recommendations":  # which alone draws the dialog
        notes.close()
    widgets.notices_here(st.container())
    tour.draw(page, header)
    if not needs_model:
        # The model's field is not drawn, so its value does not reach the URL by itself
        _open_page(**{name: st.session_state[name] for name in ("artifact",) if name in st.session_state})
    elif not _draw():
        st.stop()
    st.session_state["framed"] = True
    try:
        with suppress(PageEnd):
            yield
    finally:
        st.session_state["framed"] = False
        with header:
            link.copy_button()  # last: now the URL holds the page's own settings too


def _open_page(**parameters: str) -> None:
    """Go to the page that a callback asked for, with these parameters besides those of the bound fields."""
    if page := st.session_state.pop("go", None):
        # None would clear the URL, which Streamlit refuses for bound parameters
        st.switch_page(page, query_params=parameters)


def _draw() -> bool:
    """Draw the sidebar, store this run's Selection, and show above the page which parameters are invalid.

    False where there is no usable artifact: a panel then says what to do.
    """
    names = cache.artifact_names()
    if not names:
        widgets.no_artifact(cache.artifacts_folder())
        return False
    notices = url.invalid(st.query_params, names)
    with st.sidebar:
        name = st.selectbox("Model", names, key="artifact", bind="query-params", on_change=leave_model)
    try:
        opened = cache.open_explorer(cache.artifact_path(name))
    except InputError as error:
        widgets.broken_artifact(str(error), cache.artifacts_folder(), others=len(names) > 1)
        return False
    _forget_ids_of_other_data(opened)
    with st.sidebar:
        st.session_state["selection"] = _choosers(opened, notices)
    _open_page()
    for notice in notices:
        widgets.show_notice(notice)
    return True


def _choosers(opened: Explorer, notices: list[Notice]) -> Selection:
    above = st.container()  # filled once the fields of the URL are drawn
    with st.expander("Settings", icon=":material/tune:", key="settings"):
        top = st.slider("Top N", 1, MOST_TOP, TOP, key="top", bind="query-params", help=TOP_HELP)
        known = _with_or_without_adult(opened)
        explorer = boost.choose(_with_or_without_seen(known, notices), notices)
        fields = st.container()
    kind, ids = url.frame_fields(fields)
    notices += url.invalid_profile()
    with above:
        _profile_kind(kind)
        profile = people.chosen_profile(known, kind, ids, notices)
        item_id = _item(explorer, profile, top, ids["item"].strip(), notices)
    link.pin(profile=kind, user=profile.user_id)
    return Selection(explorer, profile, item_id, top)


def _profile_kind(kind: str) -> None:
    st.session_state["profile_kind"] = kind
    st.radio(
        "Profile",
        list(url.KINDS),
        format_func=lambda value: url.KINDS[value],
        key="profile_kind",
        on_change=_take_kind,
    )


def _take_kind() -> None:
    kind = st.session_state["profile_kind"]
    st.session_state["profile"] = "" if kind == url.USER else kind
    people.forget_changes()


def leave_model() -> None:
    """Callback: another model was chosen.

    Ids mean other users and titles in other data, so they are cleared unless the data are the same.
    """
    if selection := st.session_state.get("selection"):
        st.session_state["left_data"] = selection.explorer.data_name
    boost.forget()  # each model has its own default


def _forget_ids_of_other_data(opened: Explorer) -> None:
    if st.session_state.pop("left_data", opened.data_name) != opened.data_name:
        for key in ("user", "titles", "liked", "disliked", "item"):
            if st.session_state.get(key):
                st.session_state[key] = ""


def _with_or_without_adult(opened: Explorer) -> Explorer:
    """The artifact without its adult titles, unless the switch is on; without any there is no switch."""
    if not opened.adult_titles:
        return opened
    text = (
        f"{opened.adult_titles:,} items of this model have an adult genre. "
        "While hidden, they are in no list, search or map, and nameless elsewhere."
    )
    shown = st.toggle("Show adult items", key="adult", bind="query-params", help=text)
    return opened if shown else opened.without_adult


def _with_or_without_seen(explorer: Explorer, notices: list[Notice]) -> Explorer:
    """The model as the switch has it: what all lists and ranks leave out (dskreg/explain/explainer.py)."""
    asked = {name: st.query_params[name] for name in (SEEN,) if name in st.query_params}
    hide = st.toggle("Hide seen items", value=True, key=SEEN, bind="query-params", help=SEEN_HELP)
    for wrong in widgets.not_followed(asked, {SEEN: hide}):
        notices.append(Notice(f"The link asks for {wrong}; the values are true and false. You see true."))
    return explorer if hide else explorer.with_seen


def _item(
    explorer: Explorer, profile: Profile, top: int, wanted: str, notices: list[Notice]
) -> int | str | None:
    """The selected item: one of the recommendations, or any title by name."""
    item_id, title = None, ""
    if wanted:
        try:
            row = explorer.item(wanted[:80])
            if row["adult"] and not explorer.adult:
                text = "The link selects an adult item, which is hidden. You see the first recommendation."
                notices.append(Notice(text, "Show adult items", partial(url.set_field, "adult", True)))
            else:
                item_id, title = row["item_id"], str(row["title"])
        except InputError as error:
            notices.append(
                Notice(
                    f"{error}. You see the first recommendation.",
                    "Keep the first recommendation",
                    partial(url.set_field, "item", ""),
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
    if profile.history:  # otherwise the maps select nothing
        link.pin(item=next(iter(labels), None))
    if item_id is not None:
        labels.setdefault(item_id, title)
    st.session_state["item_choice"] = item_id
    st.selectbox(
        "Selected item",
        list(labels),
        index=None,
        format_func=lambda key: labels.get(key, str(key)),
        key="item_choice",
        placeholder=first,
        accept_new_options=True,
        on_change=_take_item,
        args=(explorer,),
    )
    return item_id


def _take_item(explorer: Explorer) -> None:
    choice = st.session_state["item_choice"]
    st.session_state["item"] = "" if choice is None else find_title(explorer, choice)


def find_title(explorer: Explorer, wanted: object) -> str:
    """The id of the title with this id or, failing that, with this in its name.

    Unknown text comes back unchanged, for the notice.
    """
    try:
        return str(explorer.item(wanted)["item_id"])
    except InputError:
        found = explorer.find_items(str(wanted), limit=1)
        return str(found["item_id"].iloc[0]) if len(found) else str(wanted)
