"""Compare models: the sidebar's artifact and another one, for the same user or for the same likes."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, InputError, Profile, flat
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import Notice, plain
from dskreg.ui.compare.lists import STAR, Ranked, compare_two
from dskreg.ui.compare.user_test import show_user_test
from dskreg.ui.frame.sidebar import Selection
from dskreg.ui.model.scoreboard import MEASURES

CUTOFFS = (10, 20, 50)
DEFAULT = 20


@dataclass(frozen=True)
class Ground:
    """What two models have in common.

    same_data:  the data set, so that ids have the same meaning
    same_split: the held-out items too, so that the test figures are comparable
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
        text = (
            f"“{explorer.name}” and “{other.name}” were trained on different data: "
            "items with the same title count as the same item."
        )
        st.info(plain(text), icon=":material/info:")
    profiles = same_user(selection, other, ground)
    if profiles is not None:
        pairs = list(zip((explorer, other), profiles, strict=True))
        lists = [ranked(model, profile, selection.top, ground) for model, profile in pairs]
        st.header("Recommendations", anchor=False)
        compare_two(lists[0], lists[1], key="models")
        if ground.same_split:
            st.subheader("Test on held-out items", anchor=False)
            show_user_test([(model.name, model, profile) for model, profile in pairs], "models")
    show_test(explorer, other, ground)


def choose(explorer: Explorer) -> Explorer | None:
    """The other artifact, opened; None, with a message, where there is none."""
    names = [name for name in cache.artifact_names() if name != explorer.name]
    if not names:
        st.info(
            "There is only one model. Train another one, for example with another seed:",
            icon=":material/folder_copy:",
        )
        st.code(f"{widgets.training_command(cache.artifacts_folder() / 'another')} --seed 1", language="bash")
        return None
    wanted = st.query_params.get("other_model", names[0])
    name = st.selectbox(
        "Other model",
        names,
        key="other_model",
        bind="query-params",
        width=300,
        help="The model on the right: the name of a folder of artifacts.",
    )
    if wanted not in (*names, explorer.name):
        widgets.show_notice(
            Notice(f"The link asks for the model “{wanted[:80]}”, which does not exist. You see “{name}”.")
        )
    try:
        opened = cache.open_explorer(cache.artifact_path(name))
    except InputError as error:
        st.error(plain(f"This model cannot be opened: {error}"), icon=":material/error:")
        return None
    other = opened if explorer.adult and explorer.adult_titles else opened.without_adult
    return other if explorer.hide_seen else other.with_seen


def common_ground(explorer: Explorer, other: Explorer) -> Ground:
    """Judged by the data's name and size and by the settings of the split."""
    one, two = explorer.info(), other.info()
    same_data = all(one[key] == two[key] for key in ("dataset", "users", "items", "interactions"))
    return Ground(same_data, same_data and one["config"]["data"] == two["config"]["data"])


def same_user(selection: Selection, other: Explorer, ground: Ground) -> tuple[Profile, Profile] | None:
    """The profile for each model: the same user, or the likes that both models know.

    None where the other model knows neither, or where the comparison by likes is not requested.
    """
    explorer, profile = selection.explorer, selection.profile
    if profile.user_id is not None:
        if ground.same_data and (found := known_there(other, profile)):
            return profile, found
        text = f"“{other.name}” does not know {profile.label}"
        text += "." if ground.same_data else ": the ids of other data belong to other users."
        st.warning(plain(text), icon=":material/person_off:")
    shared = shared_likes(explorer, other, profile, ground)
    if not shared:
        text = f"“{other.name}” knows none of the {len(profile.history)} liked items."
        st.info(plain(f"{text} There is nothing to compare for this user."))
        return None
    count = f"{len(shared)} of the {len(profile.history)} liked items"
    if profile.user_id is not None and not st.toggle(
        "Compare by likes",
        key="by_titles",
        bind="query-params",
        help=f"Gives both models a custom profile: the {count} that both know.",
    ):
        return None
    if len(shared) < len(profile.history) or profile.user_id is not None:
        st.caption(f"Both models get a custom profile: the {count} that both know.")
    return explorer.profile_of(shared), other.profile_of(shared.values())


def known_there(other: Explorer, profile: Profile) -> Profile | None:
    """The same user, with the same edits, in the other model; None where it does not know them."""
    try:
        return other.edited(other.profile(profile.user_id), profile.liked, profile.disliked)
    except InputError:
        return None


def shared_likes(
    explorer: Explorer, other: Explorer, profile: Profile, ground: Ground
) -> dict[object, object]:
    """{id: id in the other model} of the likes that both know: by id in the same data, otherwise by title."""
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
    """What identifies each item in both models: its id in the same data, otherwise its title.

    A second item of the same title matches no item of the other model.
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
    """The test figures of both models, as measured after their training, and their settings."""
    st.header("Test metrics", anchor=False)
    cutoff = widgets.one_of("Cutoff K", CUTOFFS, "test_depth", DEFAULT)
    both = {side: one.metrics()["metrics"] for side, one in (("first", explorer), ("second", other))}
    table = pd.DataFrame(
        {
            side: {measure: figures.get(f"{measure}@{cutoff}") for measure in MEASURES}
            for side, figures in both.items()
        }
    ).dropna(how="all")
    if ground.same_split:
        st.caption(
            "Both models were tested on the same held-out items, so the figures are comparable. "
            f"{STAR} marks the better one."
        )
    else:
        st.warning(
            "The models were tested on different held-out items, so their figures are not comparable.",
            icon=":material/balance:",
        )
    headings = {
        side: st.column_config.TextColumn(one.name, width=96)
        for side, one in (("first", explorer), ("second", other))
    }
    st.dataframe(
        as_text(table, cutoff, ground),
        hide_index=True,
        key="models_test",
        height="content",
        alt=f"Test figures at {cutoff} of {explorer.name} and {other.name}",
        column_config={
            "measure": st.column_config.TextColumn("Metric", pinned=True, width=110),
            "meaning": "Meaning",
            **headings,
        },
    )
    show_settings(explorer, other, headings)


def show_settings(explorer: Explorer, other: Explorer, headings: dict[str, Any]) -> None:
    """The settings in which the two models differ."""
    different = settings(explorer, other)
    if different.empty:
        st.caption("Both models have the same settings.")
        return
    st.markdown("**Different settings**")
    st.dataframe(
        different,
        hide_index=True,
        key="models_settings",
        alt=f"The settings in which {explorer.name} and {other.name} differ",
        column_config={"setting": "Setting", **headings},
    )


def as_text(table: pd.DataFrame, cutoff: int, ground: Ground) -> pd.DataFrame:
    """measure, first, second, meaning; a star marks the better figure where the two are comparable."""
    text = table.astype(object)
    for measure, row in table.iterrows():
        best = row.max() if ground.same_split and MEASURES[str(measure)][2] and row.nunique() > 1 else None
        text.loc[measure] = [
            ""
            if pd.isna(value)
            else f"{value:.{3 if abs(value) < 10 else 1}f}{f' {STAR}' if value == best else ''}"
            for value in row
        ]
    text.insert(0, "measure", [f"{MEASURES[str(measure)][0]}@{cutoff}" for measure in table.index])
    return text.assign(meaning=[MEASURES[str(measure)][1] for measure in table.index])


def settings(explorer: Explorer, other: Explorer) -> pd.DataFrame:
    """setting, first, second: the settings that differ."""
    one, two = (
        flat({"data set": each.info()["dataset"], **each.info()["config"]}) for each in (explorer, other)
    )
    rows = [
        (name, one.get(name, ""), two.get(name, ""))
        for name in dict.fromkeys([*one, *two])
        if one.get(name, "") != two.get(name, "")
    ]
    return pd.DataFrame(rows, columns=["setting", "first", "second"])
