"""Compare recommenders: the model and the baselines for one user, and which held-out items they find."""

import pandas as pd
import streamlit as st

from dskreg.explorer import MODEL, Explorer, Overlap, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.compare.lists import HELD_OUT, STAR, Ranked, compare_two, show_list, show_ranks
from dskreg.ui.compare.user_test import CUTOFFS, ONE_USER
from dskreg.ui.frame.sidebar import Selection
from dskreg.ui.model.scoreboard import MEASURES, comparison, marked, verdict

ABOUT = {
    MODEL: "DSKReG: this model, which samples neighbours in the knowledge graph.",
    "popularity": "popularity: the items with the most likes, the same for every user.",
    "item-kNN": "item-kNN: items that share their users with this user's likes.",
    "EASE": "EASE: a linear model of which items are liked together.",
}
HIDDEN = (
    "The lists above leave out seen items, and so the held-out ones. To see those in the lists, switch off "
    "“Hide seen items” in the sidebar's settings."
)
LOWER = 400  # pixels of a long table


def show(selection: Selection) -> None:
    """The whole view."""
    explorer, profile = selection.explorer, selection.profile
    names = choose((MODEL, *explorer.rivals.names))
    untestable = cache.ask(explorer, "rivals.untestable", profile)
    if len(set(names)) < len(names):
        st.info("Both sides show the same recommender. Choose another one.", icon=":material/balance:")
        return
    names, large = affordable(explorer, names)
    fit(explorer, names, profile, large)
    lists = [
        Ranked(name, cache.ask(explorer, "rivals.recommend", name, profile, selection.top, large=large))
        for name in names
    ]
    if len(lists) == 2:
        compare_two(lists[0], lists[1], key="recommenders")
    elif len(lists) > 2:
        compare_many(lists)
    st.caption("  \n".join(plain(ABOUT[name]) for name in names))
    if explorer.rivals.note and any(name != MODEL and explorer.rivals.settings(name) for name in names):
        st.caption(plain(explorer.rivals.note))
    st.header("Test on held-out items", anchor=False)
    if untestable:
        st.info(plain(untestable), icon=":material/visibility_off:")
    else:
        if explorer.hide_seen:
            st.caption(HIDDEN)
        show_test(explorer, profile, tuple(dict.fromkeys((MODEL, *names))), large)


def choose(recommenders: tuple[str, ...]) -> list[str]:
    """Two recommenders, or all of them."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if st.toggle("All recommenders", key="all_four", bind="query-params"):
            for side in ("left", "right"):  # Streamlit forgets the fields that are not drawn
                if side in st.session_state:
                    st.session_state[side] = st.session_state[side]
            return list(recommenders)
        text = " ".join(ABOUT.values())
        last = len(recommenders) - 1
        return [
            st.selectbox("Left", recommenders, key="left", bind="query-params", width=190, help=text),
            st.selectbox("Right", recommenders, index=last, key="right", bind="query-params", width=190),
        ]


def affordable(explorer: Explorer, names: list[str]) -> tuple[list[str], bool]:
    """(the recommenders that can be computed now, whether the costly ones were requested).

    A message explains each recommender that is left out, and a toggle requests it.
    """
    refused = {name: reason for name in names if (reason := explorer.rivals.refusal(name))}
    if not refused:
        return names, True
    large = st.toggle(
        "Compute anyway",
        key="large",
        bind="query-params",
        help="Computes the recommender although it needs much time and memory.",
    )
    if large:
        return names, True
    for reason in refused.values():
        st.info(
            plain(f"{reason}. Switch on “Compute anyway” if this machine has enough."),
            icon=":material/hourglass_top:",
        )
    return [name for name in names if name not in refused], False


def fit(explorer: Explorer, names: list[str], profile: Profile, large: bool) -> None:
    """Fit the baselines that are not fitted yet."""
    for name in names:
        if not explorer.rivals.ready(name):
            with st.spinner(f"Fitting {name} to the likes of {explorer.user_count:,} users, once …"):
                explorer.rivals.scores(name, profile, large)


def compare_many(lists: list[Ranked]) -> None:
    """All lists side by side, their rank changes, and the overlap of each pair."""
    common = set(lists[0].ids).intersection(*(ranked.ids for ranked in lists[1:]))
    st.markdown(f"**{len(common)}** item{'s are' if len(common) != 1 else ' is'} in all {len(lists)} lists.")
    for column, ranked in zip(st.columns(len(lists), gap="small"), lists, strict=True):
        with column:
            show_list(ranked, None, "all")
    if any(ranked.found for ranked in lists):
        st.caption(HELD_OUT)
    show_ranks(lists, None, "all")
    st.markdown("**Overlap of each pair**")
    shared = {one.name: [Overlap.of(one.ids, other.ids).common for other in lists] for one in lists}
    names = [ranked.name for ranked in lists]
    st.dataframe(
        pd.DataFrame({"recommender": names} | shared),
        hide_index=True,
        key="pairwise",
        alt="The number of items that each pair of recommenders shares",
        column_config={"recommender": ""},
    )


def show_test(explorer: Explorer, profile: Profile, names: tuple[str, ...], large: bool) -> None:
    """This user's test figures for each recommender, in words and numbers, and every held-out item's rank."""
    cutoff = widgets.one_of("Cutoff K", CUTOFFS, "depth")
    figures = cache.ask(explorer, "rivals.metrics", profile, names, large=large)
    baselines = {name: figures.loc[name].to_dict() for name in names if name != MODEL}
    table = comparison({"metrics": figures.loc[MODEL].to_dict(), "baselines": baselines}, cutoff)
    if len(table) > 1:
        st.markdown(plain(verdict(table, cutoff)))
    config = {"recommender": st.column_config.TextColumn("Recommender", width=110)}
    config |= {
        measure: st.column_config.TextColumn(f"{MEASURES[measure][0]}@{cutoff}", help=ONE_USER[measure])
        for measure in table.columns
    }
    st.dataframe(
        marked(table).rename_axis("recommender").reset_index(),
        hide_index=True,
        key="person_metrics",
        alt=f"This user's test figures at {cutoff} for {', '.join(names)}; a star marks the best",
        column_config=config,
    )
    ranks = cache.ask(explorer, "rivals.held_out", profile, names, large=large)
    st.caption(plain(caution(explorer.metrics(), names, len(ranks), cutoff)))
    show_held_out(ranks, names)
    st.caption(
        f"Ranks among all {len(explorer.items):,} items except the history: 1 is the first recommendation. "
        f"{STAR} marks the best rank of a row."
    )


def show_held_out(ranks: pd.DataFrame, names: tuple[str, ...]) -> None:
    """Every held-out item with its rank for each recommender."""
    best = ranks[list(names)].min(axis=1)
    stars = {name: (ranks[name] == best).map({True: f" {STAR}", False: ""}) for name in names}
    text = ranks.assign(**{name: ranks[name].astype(str) + stars[name] for name in names})
    st.markdown(f"**Ranks of the {len(ranks)} held-out items**")
    st.dataframe(
        text.iloc[ranks[MODEL].argsort(kind="stable")][["title", *names]],
        hide_index=True,
        key="hidden_ranks",
        height=LOWER if len(ranks) > 10 else "content",
        alt=f"The rank of every held-out item for {', '.join(names)}; a star marks the best rank",
        column_config={
            # A pinned column keeps its width, and cuts names on a wide screen
            "title": st.column_config.TextColumn("Held-out item", pinned=len(names) > 2, width=180)
        }
        | {name: st.column_config.TextColumn(name, width=96) for name in names},
    )


def caution(measured: dict, names: tuple[str, ...], held_out: int, cutoff: int) -> str:
    """How many items one user's figures rest on, and the means over all users where they were measured."""
    runs = {MODEL: measured["metrics"], **measured["baselines"]}
    means = [
        f"{name} {runs[name][f'ndcg@{cutoff}']:.3f}"
        for name in names
        if runs.get(name, {}).get(f"ndcg@{cutoff}") is not None
    ]
    text = f"These figures rest on {held_out} held-out item{'s' * (held_out != 1)} and vary by chance."
    if not means:
        return text
    return f"{text} Mean NDCG@{cutoff} over all {measured['users']:,} test users: {', '.join(means)}."
