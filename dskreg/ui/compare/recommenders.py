"""Compare: recommenders.

The model beside popularity, item-kNN and EASE for the same person, and who finds the hidden titles.
"""

import pandas as pd
import streamlit as st

from dskreg.explorer import Explorer, Overlap, Profile
from dskreg.ui.common import cache, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.compare.lists import HIDDEN, Ranked, compare_two, show_list, show_ranks
from dskreg.ui.compare.person_test import DEPTHS, ONE_PERSON
from dskreg.ui.frame.sidebar import Selection
from dskreg.ui.model.scoreboard import MEASURES, MODEL, comparison, marked, verdict

BASELINES = ("popularity", "item-kNN", "EASE")
EVERYBODY = (MODEL, *BASELINES)
TUNED = {"item-kNN", "EASE"}  # those that have settings
ABOUT = {
    MODEL: "DSKReG: this model, which samples the knowledge graph.",
    "popularity": "popularity: the best-known titles, for everybody the same.",
    "item-kNN": "item-kNN: titles that the same people like as this person's.",
    "EASE": "EASE: a linear model of which titles go together.",
}


def show(selection: Selection) -> None:
    """The whole view."""
    explorer, profile = selection.explorer, selection.profile
    names = choose()
    untestable = cache.ask(explorer, "rivals.untestable", profile)
    hidden_too = not untestable and st.toggle(
        "Let hidden titles appear", value=True, key="hidden", bind="query-params",
        help="On: only the history is left out, as in the test, so a title hidden from training can be found again. Off: nothing already seen appears.",
    )  # fmt: skip
    if len(set(names)) < len(names):
        st.info(
            "The same recommender stands on both sides. Choose another one to compare it with.",
            icon=":material/balance:",
        )
        return
    names, large = affordable(explorer, names)
    fit(explorer, names, profile, large)
    lists = [
        Ranked(
            name,
            cache.ask(
                explorer,
                "rivals.recommend",
                name,
                profile,
                selection.top,
                hide_seen=not hidden_too,
                large=large,
            ),
        )
        for name in names
    ]
    if len(lists) == 2:
        compare_two(lists[0], lists[1], key="recommenders")
    elif len(lists) > 2:
        compare_many(lists)
    st.caption("  \n".join(plain(ABOUT[name]) for name in names))
    if explorer.rivals.note and set(names) & TUNED:
        st.caption(plain(explorer.rivals.note))
    st.header("Who finds the hidden titles?", anchor=False)
    if untestable:
        st.info(plain(untestable), icon=":material/visibility_off:")
    else:
        show_test(explorer, profile, tuple(dict.fromkeys((MODEL, *names))), large)


def choose() -> list[str]:
    """Two recommenders, or all of them."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if st.toggle("All four at once", key="all_four", bind="query-params"):
            for side in ("left", "right"):  # not drawn now, and not to be forgotten
                if side in st.session_state:
                    st.session_state[side] = st.session_state[side]
            return list(EVERYBODY)
        first = st.selectbox(
            "Left", EVERYBODY, key="left", bind="query-params", width=190, help=" ".join(ABOUT.values())
        )
        return [first, st.selectbox("Right", EVERYBODY, index=3, key="right", bind="query-params", width=190)]


def affordable(explorer: Explorer, names: list[str]) -> tuple[list[str], bool]:
    """(those that can be computed now, whether the costly ones were asked for); what is left out is said,
    with a way to ask for it.
    """
    refused = {name: why for name in names if (why := explorer.rivals.refusal(name))}
    if not refused:
        return names, True
    large = st.toggle("Compute it all the same", key="large", bind="query-params")
    if large:
        return names, True
    for why in refused.values():
        st.info(
            plain(f"{why}. Switch on “Compute it all the same” if this machine can do that."),
            icon=":material/hourglass_top:",
        )
    return [name for name in names if name not in refused], False


def fit(explorer: Explorer, names: list[str], profile: Profile, large: bool) -> None:
    """Fit what waits for it, with a word on what is going on."""
    for name in names:
        if not explorer.rivals.ready(name):
            with st.spinner(
                f"Fitting {name} to the likes of {explorer.user_count:,} people; this happens once …"
            ):
                explorer.rivals.scores(name, profile, large)


def compare_many(lists: list[Ranked]) -> None:
    """All lists: what they share pair by pair, side by side, and the bump chart."""
    shared = pd.DataFrame(
        [[Overlap.of(one.ids, other.ids).common for other in lists] for one in lists],
        columns=[r.name for r in lists],
        index=[r.name for r in lists],
    )
    everywhere = set(lists[0].ids).intersection(*(ranked.ids for ranked in lists[1:]))
    st.markdown(f"**{len(everywhere)}** titles stand in all {len(lists)} lists.")
    for place, ranked in zip(st.columns(len(lists), gap="small"), lists, strict=True):
        with place:
            show_list(ranked, None, "all")
    if any(ranked.found for ranked in lists):
        st.caption(HIDDEN)
    show_ranks(lists, None, "all")
    st.markdown("**Titles in common, pair by pair**")
    table = shared.rename_axis("recommender").reset_index()
    st.dataframe(
        table,
        hide_index=True,
        key="pairwise",
        alt="How many titles each pair of recommenders has in common",
        column_config={"recommender": ""},
    )


def show_test(explorer: Explorer, profile: Profile, names: tuple[str, ...], large: bool) -> None:
    """This person's figures on the hidden titles, in words and numbers, and every hidden title's rank."""
    depth = widgets.one_of("Among the first K", DEPTHS, "depth")
    figures = cache.ask(explorer, "rivals.metrics", profile, names, large=large)
    document = {
        "metrics": figures.loc[MODEL].to_dict(),
        "baselines": {name: figures.loc[name].to_dict() for name in names if name != MODEL},
    }
    table = comparison(document, depth)
    if len(table) > 1:
        st.markdown(plain(verdict(table, depth)))
    st.dataframe(
        marked(table).rename_axis("recommender").reset_index(), hide_index=True, key="person_metrics",
        alt=f"This person's test figures of {', '.join(names)} among the first {depth}; a star marks the best of each column",
        column_config={"recommender": st.column_config.TextColumn("Recommender", width=110)}
        | {measure: st.column_config.TextColumn(f"{MEASURES[measure][0]}@{depth}", help=ONE_PERSON[measure]) for measure in table.columns},
    )  # fmt: skip
    ranks = cache.ask(explorer, "rivals.held_out", profile, names, large=large)
    st.caption(plain(caution(explorer.metrics(), names, len(ranks), depth)))
    best = ranks[list(names)].min(axis=1)
    text = ranks.assign(
        **{
            name: [
                f"{rank}{' ★' if rank == least else ''}"
                for rank, least in zip(ranks[name], best, strict=True)
            ]
            for name in names
        }
    )
    order = ranks[MODEL].argsort(kind="stable")
    st.markdown(f"**The {len(ranks)} hidden titles, and where each recommender ranks them**")
    st.dataframe(
        text.iloc[order][["title", *names]], hide_index=True, key="hidden_ranks", height=400 if len(ranks) > 10 else "content",
        alt=f"The rank of every hidden title under {', '.join(names)}; a star marks the best rank",
        column_config={"title": st.column_config.TextColumn("Hidden title", pinned=True, width=180)}
        | {name: st.column_config.TextColumn(name, width=96) for name in names},
    )  # fmt: skip
    st.caption(
        f"Ranks among all {len(explorer.items):,} titles but the history: 1 is the first recommendation, ★ the best rank of its row."
    )


def caution(measured: dict, names: tuple[str, ...], hidden: int, depth: int) -> str:
    """One person proves little: how many titles this rests on, and the means over everybody where they were
    measured.
    """
    runs = {MODEL: measured["metrics"], **measured["baselines"]}
    means = [
        f"{name} {runs[name][f'ndcg@{depth}']:.3f}"
        for name in names
        if runs.get(name, {}).get(f"ndcg@{depth}") is not None
    ]
    everybody = (
        f" Over all {measured['users']:,} tested people the mean NDCG@{depth} is: {', '.join(means)}."
        if means
        else ""
    )
    return f"One person's figures rest on {hidden} hidden title{'s' * (hidden != 1)} and owe much to chance.{everybody}"
