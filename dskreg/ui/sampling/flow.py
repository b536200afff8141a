"""Two panels: the score by term, by liked title and by pairs of both, and how unevenly the knowledge graph
connects items.
"""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, sentences, signed
from dskreg.ui.common import cache
from dskreg.ui.common.charts import show_chart
from dskreg.ui.common.widgets import plain
from dskreg.ui.sampling import charts
from dskreg.ui.sampling.draw import Sample

SOURCES = 8  # liked items with a name of their own
CURVES = {
    "paths": "2-hop paths",
    "appears": "candidate lists",
    "mass": "expected first picks",
    "drawn": "deterministic in-degree",
}
MEASURES = {
    "paths": (
        "2-hop paths",
        "Paths to other items over a shared entity or a direct edge, before the cut to M.",
    ),
    "candidates": ("candidates", "Neighbours in the item's candidate list, at most M."),
    "appears": ("candidate lists containing it", "Other items whose candidate list contains the item."),
    "mass": (
        "expected first-pick count",
        "Expected number of items that sample it first: the sum of its softmax shares. The mean is 1.",
    ),
    "drawn": (
        "deterministic in-degree",
        "Items that sample it without Gumbel noise, as for the recommendations.",
    ),
}
TERMS: dict[str, Any] = {
    "group": st.column_config.TextColumn("Part", width=130),
    "term": st.column_config.TextColumn("Term", width=200),
    "relation": st.column_config.TextColumn("Relation", width=80),
    "contribution": st.column_config.NumberColumn("Adds", format="%+.3f", width=66),
    "share": st.column_config.NumberColumn("Share", format="%.1f%%", width=66),
}
LIKED: dict[str, Any] = {
    "title": st.column_config.TextColumn("Liked item", pinned=True, width=190),
    "contribution": st.column_config.NumberColumn(
        "Adds",
        format="%+.3f",
        width=66,
        help="Through the own embedding and the neighbours of the recommended item.",
    ),
    "share": st.column_config.NumberColumn("Share", format="%.1f%%", width=66),
}
HIGHEST = ("drawn", "mass", "appears", "paths", "candidates")
FLOW: dict[str, Any] = {
    "source": st.column_config.TextColumn("Liked item", pinned=True, width="medium"),
    "part": "Term",
    "contribution": st.column_config.NumberColumn("Contribution", format="%+.3f"),
}
CONCENTRATION: dict[str, Any] = {
    "measure": st.column_config.TextColumn("Measure", pinned=True, width=190),
    "own": st.column_config.NumberColumn("This item", format="%.4g"),
    "mean": st.column_config.NumberColumn("Mean", format="%.4g"),
    "largest": st.column_config.NumberColumn("Maximum", format="%.4g"),
    "gini": st.column_config.NumberColumn(
        "Gini", format="%.2f", help="Gini coefficient; 0: equal for all items, 1: one item has all."
    ),
    "top": st.column_config.NumberColumn(
        "Top 1%", format="percent", help="Share of the 1% of items with the largest values."
    ),
}


def show_attribution(sample: Sample, explanation: Explanation) -> None:
    """The score by term, by liked title, and by pairs of a liked title and a term."""
    if explanation.basis == "popularity":
        st.info(sentences.NO_LIKES, icon=":material/inbox:")
        return
    left, right = st.columns([3, 2])
    with left:
        _show_terms(explanation)
    with right:
        _show_liked(explanation)
    _show_flow(sample, explanation)


def _show_terms(explanation: Explanation) -> None:
    """Every term of the decomposition, and their sum."""
    st.subheader("Score by term", anchor=False)
    table = explanation.terms
    linear, total = explanation.activation == "linear", explanation.pre_activation_score
    name = "score" if linear else f"sum before {explanation.activation}"
    table.loc[len(table)] = ["Total", name, "", total, table["share"].sum(skipna=False)]
    st.dataframe(
        table.assign(share=100 * table["share"]),
        column_config=TERMS,
        hide_index=True,
        key="score_table",
        alt=f"Every term of the score of {explanation.title}; they add up to {total:.3f}",
        height=330,
        placeholder="–",
    )


def _show_liked(explanation: Explanation) -> None:
    """The score by liked title; of every user the same is what no liked title adds."""
    st.subheader("Score by liked item", anchor=False)
    liked = explanation.liked
    liked = liked[liked["contribution"] != 0]  # of the paper's form those that were sampled
    score = explanation.score
    share = 100 * liked["contribution"] / score if score > sentences.SMALLEST else np.nan
    st.dataframe(
        liked.assign(share=share)[list(LIKED)],
        column_config=LIKED,
        hide_index=True,
        key="liked_parts",
        alt=f"The score of {explanation.title} by liked item, the largest contribution first",
        height=330,
        placeholder="–",
    )
    rest = explanation.score - liked["contribution"].sum()
    if abs(rest) >= sentences.SMALLEST:
        st.caption(f"From no liked item: **{signed(rest)}**.")


def _show_flow(sample: Sample, explanation: Explanation) -> None:
    """Liked items -> terms -> score, with widths."""
    st.subheader("Attribution by liked item", anchor=False)
    flow = sample.flow(sources=SOURCES)
    through, named = flow["target_id"].notna(), flow["source_id"].notna()
    negative = flow[flow["contribution"] < 0]["contribution"].sum()
    st.markdown(
        "The score is a sum over pairs of a liked item and a term of this item: "
        f"**{flow['contribution'].sum():.3f}**. Sampled neighbours account for "
        f"**{signed(flow[through]['contribution'].sum())}**; negative contributions total "
        f"**{signed(negative)}**." + _largest_pair(flow[through & named])
    )
    whole = st.toggle(
        "Include own embedding and bias",
        key="whole",
        bind="query-params",
        help="Off: only contributions through sampled neighbours.",
    )
    flow = flow if whole or not through.any() else flow[through]
    alt = (
        f"Flow from liked items over {flow['target'].nunique()} terms to {explanation.title}, "
        f"total {flow['contribution'].sum():.3f}"
    )
    chart, table = st.tabs(["Chart", "Table"], key="flow_as", bind="query-params")
    figure = charts.sankey(flow, explanation.title, sample.colours())
    show_chart(chart, figure, key="flow_chart", alt=alt)
    chart.caption(
        "Left: liked items. Middle: terms, in the colours of their relations. Right: this item. "
        "Green: positive. Red: negative. Width: absolute contribution. Opposite signs cancel at a term."
    )
    _show_pairs(flow, table, alt)
    if explanation.activation != "linear":
        st.caption(
            f"The sum is the score before {explanation.activation}, which maps it to "
            f"{explanation.score:.3f}. The {explanation.activation} of the user embedding is distributed "
            "proportionally over the liked items, per dimension."
        )


def _show_pairs(flow: pd.DataFrame, place: Any, alt: str) -> None:
    terms = [f"{name} ({r})" if r else name for name, r in zip(flow["target"], flow["relation"], strict=True)]
    rows = flow.assign(part=terms).sort_values("contribution", key=abs, ascending=False)[list(FLOW)]
    place.dataframe(rows, column_config=FLOW, hide_index=True, key="flow_table", alt=alt, height=460)


def _largest_pair(pairs: pd.DataFrame) -> str:
    """A sentence about the liked item and the neighbour with the largest contribution."""
    if pairs.empty:
        return ""
    pair = pairs.loc[pairs["contribution"].idxmax()]
    return (
        f" The largest pair is *{plain(pair['source'])}* with *{plain(pair['target'])}*: "
        f"**{signed(pair['contribution'])}**."
    )


def show_degrees(sample: Sample, explanation: Explanation) -> None:
    """How unevenly the graph connects items, and the effect of the cut to M and of sampling K."""
    st.subheader("Degree distribution and popularity bias", anchor=False)
    frame = sample.explorer.degrees
    table = cache.ask(sample.explorer, "concentration").set_index("measure")
    own = frame[frame["item_id"] == sample.item_id].iloc[0]
    top, largest = table["top"], table["largest"]
    st.markdown(
        f"**Out-degree.** The 1% of items with the highest degree have **{top['paths']:.1%}** of all 2-hop "
        f"paths; the maximum is **{largest['paths']:,.0f}**. A candidate list keeps at most "
        f"**{largest['candidates']:,.0f}** neighbours and the sampler takes **{sample.picks}**: every "
        "item has the same limit."
    )
    st.markdown(
        f"**In-degree.** The top 1% of items have **{top['appears']:.1%}** of the candidate places, "
        f"**{top['mass']:.1%}** of the probability mass and **{top['drawn']:.1%}** of the picks without "
        f"noise. The Gini coefficient is **{table['gini']['drawn']:.2f}** without noise and "
        f"**{table['gini']['mass']:.2f}** for the first pick of a random sample."
    )
    left, right = st.columns(2)
    mark = {name: float(own[name]) for name in CURVES}
    alt = f"Number of items with at least a given {', '.join(CURVES.values())}; {explanation.title} is marked"
    show_chart(left, charts.at_least(frame, CURVES, mark), key="hubs_chart", alt=alt)
    left.caption(f"★ {plain(explanation.title)}. Both axes are logarithmic.")
    rows = table.assign(
        measure=[MEASURES[name][0] for name in table.index], own=[own[name] for name in table.index]
    )
    right.dataframe(
        rows[list(CONCENTRATION)],
        column_config=CONCENTRATION,
        hide_index=True,
        key="hubs_table",
        alt=alt,
        height="content",
    )
    with right.expander("Definitions"):
        st.markdown("\n".join(f"- **{label}**: {text}" for label, text in MEASURES.values()))
    _show_highest(frame)


def _show_highest(frame: pd.DataFrame) -> None:
    st.markdown("**Items with the highest degree**")
    config: dict[str, Any] = {"title": st.column_config.TextColumn("Item", pinned=True, width="medium")}
    for name in HIGHEST:
        label, text = MEASURES[name]
        config[name] = st.column_config.NumberColumn(
            label.capitalize(), format="%.1f" if name == "mass" else "%d", help=text
        )
    st.dataframe(
        frame.sort_values("drawn", ascending=False, kind="stable").head(10)[list(config)],
        column_config=config,
        hide_index=True,
        key="busiest",
        alt="The ten items with the highest deterministic in-degree",
        height="content",
    )
