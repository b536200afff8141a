"""Who among the liked titles speaks for which neighbour: the score as a flow.

And: how unevenly titles are connected.
"""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation
from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain
from dskreg.ui.sampling import charts
from dskreg.ui.sampling.draw import QUIET, Shown

SOURCES = 8  # liked titles with a name of their own
CURVES = {
    "paths": "ways to other titles",
    "appears": "candidate tables",
    "mass": "expected first draws",
    "drawn": "draws without noise",
}
MEANT = {
    "paths": "Ways in the graph from the title to others: over a shared entity, or a viewer who liked both, or a direct link. Before the cut to M.",
    "candidates": "How many neighbours the table keeps for the title: at most M.",
    "appears": "In how many other titles' tables it stands.",
    "mass": "How many titles would draw it first, in expectation: the sum of its softmax shares. The average is 1.",
    "drawn": "How many titles draw it without noise, as the recommendations do.",
}


def show_flow(shown: Shown, explanation: Explanation) -> None:
    """History -> picks -> title, with widths."""
    st.subheader("Who speaks for it", anchor=False)
    settings = {"seed": shown.seed, "picks": shown.picks, "user_picks": shown.user_picks}
    flow = cache.ask(shown.explorer, "flow", shown.profile, shown.item_id, sources=SOURCES, **settings)
    if flow.empty:
        st.info(
            "No like is known of this user, so no liked title contributes to the score.",
            icon=":material/inbox:",
        )
        return
    carried, named = flow["target_id"].notna(), flow["source_id"].notna()
    against = flow[flow["contribution"] < 0]["contribution"].sum()
    st.markdown(
        f"The score is a sum over pairs: each liked title speaks for each part of this one. Together they add **{flow['contribution'].sum():.3f}**, of which "
        f"**{flow[carried]['contribution'].sum():+.3f}** goes through drawn neighbours; the voices against it come to **{against:.3f}**."
        + _strongest(flow, carried & named)
    )
    whole = st.toggle(
        "The title itself and the bias too",
        key="whole",
        bind="query-params",
        help="Off: only what goes through the drawn neighbours.",
    )
    flow = flow if whole or not carried.any() else flow[carried]
    alt = f"Flow from liked titles over {flow['target'].nunique()} parts to {explanation.title}, {flow['contribution'].sum():.3f} in all"
    chart, table = st.tabs(["Flow", "Table"], key="flow_as", bind="query-params")
    drawing = charts.sankey(flow, explanation.title, shown.colours(), st.context.theme.type == "dark")
    chart.plotly_chart(drawing, key="flow_chart", config=QUIET, alt=alt)
    chart.caption(
        "Left: what the person likes. Middle: the parts of the title, in the colours of their relations. Green speaks for the title, red against it; "
        "the wider, the more. Where both meet, less comes out than went in."
    )
    wide = flow.assign(
        part=[
            f"{name} ({r})" if r else name for name, r in zip(flow["target"], flow["relation"], strict=True)
        ]
    )
    config: dict[str, Any] = {
        "source": st.column_config.TextColumn("Liked title", pinned=True, width="medium"),
        "part": "speaks for",
    }
    config["contribution"] = st.column_config.NumberColumn("with", format="%+.3f")
    wide = wide.sort_values("contribution", key=abs, ascending=False)[list(config)]
    table.dataframe(wide, column_config=config, hide_index=True, key="flow_table", alt=alt, height=460)
    if explanation.activation != "linear":
        st.caption(
            f"The sum is the score before the last {explanation.activation}, which bends it to {explanation.score:.3f}. The person's own "
            f"{explanation.activation} is shared out in proportion, dimension by dimension."
        )


def _strongest(flow: pd.DataFrame, chosen: pd.Series) -> str:
    """A sentence about the liked title that speaks loudest for a neighbour."""
    pairs = flow[chosen]
    if pairs.empty:
        return ""
    pair = pairs.loc[pairs["contribution"].idxmax()]
    return f" The strongest voice there is *{plain(pair['source'])}* for *{plain(pair['target'])}*: **{pair['contribution']:+.3f}**."


def show_hubs(shown: Shown, explanation: Explanation) -> None:
    """How unevenly the graph connects titles, and what the cut to M and the draw of K make of it."""
    st.subheader("Hubs, and what the sampler does about them", anchor=False)
    explorer = shown.explorer
    frame, table = explorer.degrees, cache.ask(explorer, "concentration").set_index("measure")
    own = frame[frame["item_id"] == shown.item_id].iloc[0]
    top, largest = table["top"], table["largest"]
    st.markdown(
        f"The best connected 1 % of the titles hold **{top['paths']:.1%}** of all ways through the graph; the busiest has **{largest['paths']:,.0f}**. "
        f"The table keeps at most **{largest['candidates']:,.0f}** neighbours of each title and the sampler draws **{shown.picks}** of them, so that "
        "a hub listens to no more titles than anybody else."
    )
    st.markdown(
        f"Being listened to is another matter: of the places in the tables the favourite 1 % take **{top['appears']:.1%}**, of the probability mass "
        f"**{top['mass']:.1%}**, of the draws without noise **{top['drawn']:.1%}**. Noise spreads them: the Gini coefficient (0: all alike, 1: one has all) "
        f"is **{table['gini']['drawn']:.2f}** without it and **{table['gini']['mass']:.2f}** for the first title of a random draw."
    )
    left, right = st.columns(2)
    mark = {name: float(own[name]) for name in CURVES}
    alt = f"How many titles have at least so many {', '.join(CURVES.values())}; {explanation.title} is marked"
    left.plotly_chart(charts.at_least(frame, CURVES, mark), key="hubs_chart", config=QUIET, alt=alt)
    left.caption(
        f"★ {plain(explanation.title)}. Both axes are logarithmic: a straight fall is a heavy tail, a steep one means that titles are alike."
    )
    labels = {
        "paths": "ways through the graph",
        "candidates": "candidates kept",
        "appears": "tables it stands in",
        "mass": "expected first draws",
    }
    rows = table.assign(
        measure=[labels.get(name, "draws without noise") for name in table.index],
        own=[own[name] for name in table.index],
    )
    config: dict[str, Any] = {"measure": st.column_config.TextColumn("Per title", pinned=True, width=150)}
    numbers = {
        "own": ("This title", "%.4g"),
        "mean": ("Mean", "%.4g"),
        "largest": ("Largest", "%.4g"),
        "gini": ("Gini", "%.2f"),
    }
    config |= {
        name: st.column_config.NumberColumn(label, format=form) for name, (label, form) in numbers.items()
    }
    config["top"] = st.column_config.NumberColumn(
        "Top 1 %", format="percent", help="What share the best 1 % of the titles hold."
    )
    right.dataframe(
        rows[list(config)], column_config=config, hide_index=True, key="hubs_table", alt=alt, height="content"
    )
    with right.expander("What is counted"):
        st.markdown(
            "\n".join(
                f"- **{labels.get(name, 'draws without noise')}**: {text}" for name, text in MEANT.items()
            )
        )
    _busiest(frame)


def _busiest(frame: pd.DataFrame) -> None:
    st.markdown("**The busiest titles**")
    config: dict[str, Any] = {"title": st.column_config.TextColumn("Title", pinned=True, width="medium")}
    labels = {
        "drawn": "Drawn by",
        "mass": "Expected first draws",
        "appears": "In tables",
        "paths": "Ways",
        "candidates": "Candidates",
    }
    config |= {
        name: st.column_config.NumberColumn(
            label, format="%.1f" if name == "mass" else "%d", help=MEANT[name]
        )
        for name, label in labels.items()
    }
    most = frame.sort_values("drawn", ascending=False, kind="stable").head(10)[list(config)]
    st.dataframe(
        most,
        column_config=config,
        hide_index=True,
        key="busiest",
        alt="The ten titles that are drawn most often",
        height="content",
    )
