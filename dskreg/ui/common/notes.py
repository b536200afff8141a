"""Notes: the control that marks a recommendation or a neighbour, and the table of the notes.

DSKREG_NOTES=off hides both.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, InputError, legible, notes
from dskreg.storage import places
from dskreg.ui.common.charts import shorten
from dskreg.ui.common.widgets import plain

LONGEST_NAME = 90  # characters of a neighbour
OPEN = "note_on"  # in the session: the item whose dialog is open, and the view that it lies over
SHOWN_DIGEST = 8  # characters of a model's digest
LABELS = {mark: mark.capitalize() for mark in notes.MARKS}
ICONS = dict(zip(notes.MARKS, ("thumb_up", "thumb_down", "question_mark"), strict=True))
COLUMNS: dict[str, Any] = {
    "time": st.column_config.TextColumn("Time (UTC)", width=140),
    "mark": st.column_config.TextColumn("Mark", width=56),
    "user": st.column_config.TextColumn(
        "User", width=80, help="The user's id, or the likes of a custom profile; +: added, −: removed likes."
    ),
    "item": st.column_config.TextColumn("Item", width=170),
    "neighbour": st.column_config.TextColumn(
        "Neighbour", width=170, help="The sampled neighbour that is meant; empty: the recommendation itself."
    ),
    "text": st.column_config.TextColumn("Note", width=260),
    "rank": st.column_config.NumberColumn(
        "Rank", width=56, help="Rank of the item at that time; empty: not in the list."
    ),
    "score": st.column_config.NumberColumn("Score", format="%.3f", width=64, help="Score at that time."),
    "seed": st.column_config.NumberColumn(
        "Seed", width=56, help="Seed of the Gumbel sample; empty: Top-K as served."
    ),
    "model": st.column_config.TextColumn(
        "Model", width=90, help="The beginning of the content digest of the model at that time."
    ),
}


def allowed() -> bool:
    """Whether this server keeps and shows notes: DSKREG_NOTES=off forbids it."""
    return places.allowed("DSKREG_NOTES")


def control(
    about: notes.Subject,
    label: str,
    key: str,
    neighbours: Sequence[tuple[Any, str, str]] = (),
    **look: Any,
) -> None:
    """The popover that marks an item, or one of its neighbours, as good, bad or odd.

    Args:
        about: the item as it is shown.
        label: the popover's name; text from files in it is escaped.
        key: begins the keys of the elements.
        neighbours: (id, title, relation) of each candidate that can be marked instead of the item.
        look: further arguments of st.popover.
    """
    if not allowed():
        return
    popover = st.popover(label, icon=":material/rate_review:", key=key, on_change="rerun", **look)
    if popover.open:
        with popover:
            _form(about, key, neighbours)


def ask(item_id: object, _title: str = "") -> None:
    """Callback: open the dialog for this item, which the page draws."""
    st.session_state[OPEN] = item_id, st.query_params.to_dict()


def asked() -> object:
    """The id of the item whose dialog is open, or None; another view, as by the browser's Back, closes it."""
    item_id, view = st.session_state.get(OPEN, (None, {}))
    if item_id is not None and view != st.query_params.to_dict():
        close()
    return item_id if allowed() and OPEN in st.session_state else None


def dialog(about: notes.Subject, title: str) -> None:
    """The dialog that marks an item, until it is closed; text from files in its title is escaped."""
    name = plain(shorten(title, LONGEST_NAME))
    st.dialog(f"Note on {name}", on_dismiss=close)(_form)(about, f"note {about.item_id}")


def close() -> None:
    """Close the dialog: it does not open again by itself."""
    st.session_state.pop(OPEN, None)


def _form(about: notes.Subject, key: str, neighbours: Sequence[tuple[Any, str, str]] = ()) -> None:
    """The fields of a note, and what became of the last one."""
    count = st.session_state.setdefault(f"{key} saved", 0)  # with each note the fields are new ones
    with st.form(f"{key} form", border=False):
        if neighbours:
            _which(neighbours, f"{key} about {count}")
        st.segmented_control(
            "Mark",
            list(LABELS),
            format_func=lambda mark: f":material/{ICONS[mark]}: {LABELS[mark]}",
            key=f"{key} mark {count}",
        )
        st.text_input("Note (optional)", key=f"{key} text {count}", placeholder="one line")
        arguments = (about, neighbours, key, count)
        st.form_submit_button("Save note", type="primary", on_click=_save, args=arguments)
    told = st.session_state.pop(f"{key} told", None)
    if told == "":
        st.success("Saved.")
    elif told:
        st.error(plain(told))


def _save(about: notes.Subject, neighbours: Sequence[tuple[Any, str, str]], key: str, count: int) -> None:
    """Callback: keep the note, and leave an empty form, or the words for what is wrong."""
    place, mark, text = (st.session_state.get(f"{key} {name} {count}") for name in ("about", "mark", "text"))
    if place:
        id_, _, relation = neighbours[place - 1]
        about = replace(about, neighbour=id_, relation=relation)
    told = "" if mark else "Choose a mark: good, bad or odd."
    try:
        if mark:
            notes.keep(about, mark, text or "")
            st.session_state[f"{key} saved"] = count + 1
    except InputError as error:
        told = str(error)
    st.session_state[f"{key} told"] = told


def _which(neighbours: Sequence[tuple[Any, str, str]], key: str) -> None:
    """The field that holds the place of the chosen neighbour, from 1; 0 for the item itself."""
    names = ["This item", *(f"{title} ({relation})" for _, title, relation in neighbours)]
    st.selectbox(
        "About",
        range(len(names)),
        format_func=lambda place: legible(shorten(names[place], LONGEST_NAME)),
        key=key,
    )


def listing(explorer: Explorer, key: str, user: str = "", item: str = "") -> None:
    """An expander with the notes of one user or on one item; nothing where there are none."""
    table, _ = _read(explorer) if allowed() else (pd.DataFrame(), ())
    found = notes.chosen(table, user=user, item=item) if len(table) else table
    if item:  # an id alone, no part of a name
        found = found[found["item_id"].map(str) == item] if len(found) else found
    if len(found):
        with st.expander(f"Notes ({len(found):,})", icon=":material/rate_review:"):
            show_table(explorer, found, key)
            st.page_link("pages/model.py", label="All notes", icon=":material/fact_check:")


def section(explorer: Explorer) -> None:
    """All notes of the artifact, with filters and exports."""
    if not allowed():
        return
    st.header("Notes", anchor=False)
    table, damaged = _read(explorer)
    file = plain(explorer.notebook.file.name)
    if damaged:
        lines = plain("; ".join(damaged[:3])) + "; …" * (len(damaged) > 3)
        st.warning(
            f"Lines of {file} that cannot be read: {len(damaged):,}. They stay in the file. {lines}",
            icon=":material/broken_image:",
        )
    if table.empty:
        st.caption("No notes yet. Mark a recommendation or a sampled neighbour as good, bad or odd.")
        return
    found = _filtered(explorer, table)
    st.caption(f"{len(found):,} of {len(table):,} notes, the latest first. File: {file}")
    show_table(explorer, found, "notes_all")
    with st.container(horizontal=True):
        for suffix, kind in ((".csv", "text/csv"), (".json", "application/json")):
            st.download_button(
                f"Notes ({suffix[1:].upper()})",
                partial(notes.exported, found, suffix),
                f"notes{suffix}",
                kind,
                icon=":material/download:",
                on_click="ignore",
                key=f"notes{suffix}",
            )


def show_table(explorer: Explorer, found: pd.DataFrame, key: str) -> None:
    """The notes as a table; the selected ones can be removed."""
    shown = pd.DataFrame(
        {
            "mark": found["mark"],
            "item": _named(found["item"], found["item_id"]),
            "neighbour": _named(found["neighbour"], found["neighbour_id"]),
            "text": found["text"].map(legible),
            "user": [_who(*row) for row in found[["user_id", "likes", "removed"]].itertuples(index=False)],
            **{name: found[name] for name in ("rank", "score", "seed")},
            "time": found["time"].str.replace("T", " ").str.rstrip("Z"),
            "model": found["model"].str[:SHOWN_DIGEST],
        }
    )
    optional = {"neighbour": found["neighbour_id"], "seed": found["seed"]}
    shown = shown.drop(columns=[name for name, column in optional.items() if column.isna().all()])
    event = st.dataframe(
        shown,
        hide_index=True,
        key=f"{key} {len(found)}",
        on_select="rerun",
        selection_mode="multi-row",
        column_config={name: column for name, column in COLUMNS.items() if name in shown},
        alt=f"{len(found):,} notes with time, mark, user, item, neighbour and text",
    )
    rows = [row for row in event.selection.rows if row < len(found)]
    if rows:
        ids = found["id"].iloc[rows].tolist()
        label = f"Remove {len(rows)} note{'s' * (len(rows) != 1)}"
        icon, arguments = ":material/delete:", (explorer.path, ids)
        st.button(label, icon=icon, key=f"{key} remove", on_click=_remove, args=arguments)


def _remove(path: Path, ids: list[str]) -> None:
    """Callback: hide the notes."""
    try:
        notes.remove(path, *ids)
    except InputError as error:
        st.toast(plain(error), icon=":material/error:")


def _read(explorer: Explorer) -> tuple[pd.DataFrame, tuple[str, ...]]:
    try:
        return explorer.notebook.read()
    except InputError as error:
        st.error(plain(error))
        return pd.DataFrame(), ()


def _filtered(explorer: Explorer, table: pd.DataFrame) -> pd.DataFrame:
    """The notes that the fields above the table select."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        marks = st.segmented_control("Mark", list(LABELS), selection_mode="multi", key="notes_mark")
        fields = {
            name: st.text_input(name.capitalize(), key=f"notes_{name}", type="search", help=help_, width=165)
            for name, help_ in (
                ("user", "The id of a user."),
                ("item", "The id or a part of the name."),
                ("neighbour", "The id or a part of the name."),
            )
        }
        models = list(dict.fromkeys(table["model"]))
        model = st.selectbox(
            "Model",
            ["", *models],
            format_func=lambda digest: _model(digest, explorer.content),
            key="notes_model",
            width=200,
            help="The content digest of the model at that time.",
        )
    return notes.chosen(table, marks, **{name: text.strip() for name, text in fields.items()}, model=model)


def _model(digest: str, open_now: str) -> str:
    return f"{digest[:SHOWN_DIGEST]}{' (open now)' * (digest == open_now)}" if digest else "all"


def _who(user_id: Any, likes: list[Any], removed: list[Any]) -> str:
    """The user's id with the edits, or the custom profile's likes."""
    added = ", ".join(map(str, likes))
    out = f" \N{MINUS SIGN}{', '.join(map(str, removed))}" if removed else ""
    text = f"likes {added}" if user_id is None else f"{user_id}{f' +{added}' if added else ''}"
    return legible(shorten(f"{text}{out}", 200))


def _named(names: pd.Series, ids: pd.Series) -> list[str]:
    """The names; the id where the catalogue has none."""
    given = ["" if id_ is None else f"id {id_}" for id_ in ids]
    return [legible(name or id_) for name, id_ in zip(names, given, strict=True)]
