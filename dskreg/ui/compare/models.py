"""Compare: models. The sidebar's artifact beside another one, for the same person or the same titles."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.compare.lists import Ranked, compare_two
from dskreg.ui.compare.person_test import show_found
from dskreg.ui.frame.sidebar import Selection
from dskreg.ui.model.scoreboard import MEASURES

CUTOFFS = (10, 20, 50)
DEFAULT = 20


@dataclass(frozen=True)
class Ground:
    """On what two models can be compared.

    same_data:  both were made from the same data set, so ids mean the same
    same_split: and hid the same titles for the test, so their figures can be held against each other
    """

    same_data: bool
    same_split: bool


def show(selection: Selection) -> None:
    """The whole view."""
    explorer = selection.explorer
    other = choose(explorer)
    if other is None:
        return
    ground = common_ground(explorer, other)
    if not ground.same_data:
        text = f"“{explorer.name}” and “{other.name}” were made from different data: a title is taken for the same where its name is the same."
        st.info(plain(text), icon=":material/info:")
    people = same_person(selection, other, ground)
    if people is not None:
        lists = [
            ranked(one, who, selection.top, ground)
            for one, who in zip((explorer, other), people, strict=True)
        ]
        st.header("What they would show", anchor=False)
        compare_two(lists[0], lists[1], key="models")
        if ground.same_split:
            st.subheader("Are this person's hidden titles found?", anchor=False)
            show_found(
                [(one.name, one, who) for one, who in zip((explorer, other), people, strict=True)], "models"
            )
    show_test(explorer, other, ground)


def choose(explorer: Explorer) -> Explorer | None:
    """The other artifact, opened; None, with a word on what to do, where there is none."""
    names = [name for name in cache.artifact_names() if name != explorer.name]
    if not names:
        st.info(
            "There is only one model here. Train another one to compare it with, for instance with another seed:",
            icon=":material/folder_copy:",
        )
        st.code(f"{widgets.training_command(cache.artifacts_folder() / 'another')} --seed 1", language="bash")
        return None
    wanted = st.query_params.get("other_model", names[0])
    name = st.selectbox(
        "The other model",
        names,
        key="other_model",
        bind="query-params",
        width=300,
        help="A folder under artifacts/.",
    )
    if wanted not in (*names, explorer.name):
        widgets.show_notice(
            Notice(
                f"The link asks for the model “{wanted[:80]}”, which is not here. You see “{name}” instead."
            )
        )
    try:
        opened = cache.open_explorer(cache.artifact_path(name))
    except InputError as error:
        st.error(plain(f"This model cannot be opened: {error}"), icon=":material/error:")
        return None
    return opened if explorer.adult and explorer.adult_titles else opened.without_adult


def common_ground(explorer: Explorer, other: Explorer) -> Ground:
    """Compared by the data's name and size and the settings of the split."""
    one, two = explorer.info(), other.info()
    same_data = all(one[key] == two[key] for key in ("dataset", "users", "items", "interactions"))
    return Ground(same_data, same_data and one["config"]["data"] == two["config"]["data"])


def same_person(selection: Selection, other: Explorer, ground: Ground) -> tuple[Profile, Profile] | None:
    """The person before each model; None where the other model knows neither the person nor, if that was
    asked for, any of the titles.
    """
    explorer, profile = selection.explorer, selection.profile
    if profile.user_id is not None:
        if ground.same_data and (found := known_there(other, profile)):
            return profile, found
        text = f"“{other.name}” does not know {profile.label}"
        text += "." if ground.same_data else ": an id means somebody else in other data."
        widgets.show_notice(Notice(text))
    titles = shared_titles(explorer, other, profile, ground)
    if not titles:
        st.info(
            plain(
                f"“{other.name}” knows none of the {len(profile.history)} liked titles either, so there is nothing to compare for this person."
            )
        )
        return None
    count = f"{len(titles)} of the {len(profile.history)} liked titles"
    if profile.user_id is not None and not st.toggle(
        f"Compare by the {count} that both know", key="by_titles", bind="query-params"
    ):
        return None
    if len(titles) < len(profile.history) or profile.user_id is not None:
        st.caption(f"Both models are given the same person: somebody who likes the {count} that both know.")
    return explorer.profile_of(titles), other.profile_of(titles.values())


def known_there(other: Explorer, profile: Profile) -> Profile | None:
    """The same viewer, with the same changes, in the other model."""
    try:
        return other.edited(other.profile(profile.user_id), profile.liked, profile.disliked)
    except InputError:
        return None


def shared_titles(
    explorer: Explorer, other: Explorer, profile: Profile, ground: Ground
) -> dict[object, object]:
    """{id here: id there} of the liked titles that both know: by id in the same data, else by name."""
    keys = list(profile.history)
    if ground.same_data:
        known = set(other.items["item_id"].tolist())
        return {key: key for key in keys if key in known}
    by_name = {
        name.casefold(): key
        for key, name in zip(other.items["item_id"].tolist(), other.items["title"].astype(str), strict=True)
    }
    names = dict(zip(explorer.items["item_id"].tolist(), explorer.items["title"].astype(str), strict=True))
    return {key: by_name[names[key].casefold()] for key in keys if names[key].casefold() in by_name}


def ranked(explorer: Explorer, profile: Profile, top: int, ground: Ground) -> Ranked:
    """The model's list."""
    table = cache.recommendations(explorer, profile, top)
    return Ranked(explorer.name, table, keys(table, explorer.name, ground))


def keys(table: pd.DataFrame, model: str, ground: Ground) -> tuple[object, ...]:
    """What a title is known by in both models: its id in the same data, else its name; a name's second bearer
    is known to its own model alone.
    """
    if ground.same_data:
        return tuple(table["item_id"].tolist())
    names: list[object] = []
    for name, item_id in zip(
        table["title"].astype(str).str.casefold(), table["item_id"].tolist(), strict=True
    ):
        names.append((name, model, item_id) if name in names else name)
    return tuple(names)


def show_test(explorer: Explorer, other: Explorer, ground: Ground) -> None:
    """Both models' test figures as measured when they were made, and whether they can be held against each
    other.
    """
    st.header("How good is each over everybody?", anchor=False)
    depth = widgets.one_of("Among the first K", CUTOFFS, "test_depth", DEFAULT)
    both = {side: one.metrics()["metrics"] for side, one in (("first", explorer), ("second", other))}
    table = pd.DataFrame(
        {
            side: {measure: figures.get(f"{measure}@{depth}") for measure in MEASURES}
            for side, figures in both.items()
        }
    ).dropna(how="all")
    if ground.same_split:
        st.caption(
            "Both hid the same titles of the same people for the test, so the figures can be held against each other; ★ marks the better one."
        )
    else:
        st.warning(
            "The two were tested on different hidden titles, so their figures cannot be held against each other.",
            icon=":material/balance:",
        )
    headings = {
        side: st.column_config.TextColumn(one.name, width=96)
        for side, one in (("first", explorer), ("second", other))
    }
    st.dataframe(
        in_words(table, depth, ground), hide_index=True, key="models_test", height="content",
        alt=f"Test figures of {explorer.name} and {other.name} among the first {depth}",
        column_config={"measure": st.column_config.TextColumn("Measure", pinned=True, width=110), "meaning": "What it says", **headings},
    )  # fmt: skip
    different = settings(explorer, other)
    if different.empty:
        st.caption("Both were made with the same settings.")
        return
    st.markdown("**Where their settings differ**")
    alt = f"The settings in which {explorer.name} and {other.name} differ"
    st.dataframe(
        different,
        hide_index=True,
        key="models_settings",
        alt=alt,
        column_config={"setting": "Setting", **headings},
    )


def in_words(table: pd.DataFrame, depth: int, ground: Ground) -> pd.DataFrame:
    """measure, first, second, meaning; the better of two different figures with a star where they can be
    compared.
    """
    text = table.astype(object)
    for measure, row in table.iterrows():
        best = row.max() if ground.same_split and MEASURES[str(measure)][2] and row.nunique() > 1 else None
        text.loc[measure] = [
            ""
            if pd.isna(value)
            else f"{value:.{3 if abs(value) < 10 else 1}f}{' ★' if value == best else ''}"
            for value in row
        ]
    text.insert(0, "measure", [f"{MEASURES[str(measure)][0]}@{depth}" for measure in table.index])
    return text.assign(meaning=[MEASURES[str(measure)][1] for measure in table.index])


def settings(explorer: Explorer, other: Explorer) -> pd.DataFrame:
    """setting, first, second: those that differ."""
    one, two = (
        flat({"data set": each.info()["dataset"], **each.info()["config"]}) for each in (explorer, other)
    )
    rows = [
        (name, one.get(name, ""), two.get(name, ""))
        for name in dict.fromkeys([*one, *two])
        if one.get(name, "") != two.get(name, "")
    ]
    return pd.DataFrame(rows, columns=["setting", "first", "second"])


def flat(document: dict, before: str = "") -> dict[str, str]:
    """Nested settings as one level of texts."""
    rows: dict[str, str] = {}
    for name, value in document.items():
        rows |= flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: str(value)}
    return rows
