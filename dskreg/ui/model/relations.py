"""The relations of the knowledge graph: their candidates, weights and shares of the sampling."""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import percent
from dskreg.ui.common import charts
from dskreg.ui.common.widgets import plain
from dskreg.ui.model.worth import sure_change

UNTRAINED = "relevance untrained"

COLUMNS = {
    "relation": st.column_config.TextColumn(
        "Relation", pinned=True, help="What two items share, for example a genre, studio or franchise."
    ),
    "mass": st.column_config.ProgressColumn(
        "Sampling share",
        format="%.0f%%",
        min_value=0,
        max_value=100,
        help="Mean probability that the first sampled neighbour has this relation.",
    ),
    "weight": st.column_config.NumberColumn(
        "Weight",
        format="%.2f",
        help="What a strength of 1 under this relation adds to the relevance of a candidate (v).",
    ),
    "picks": st.column_config.NumberColumn(
        "Sampled",
        format="%.2f",
        help="Mean number of this relation's neighbours among the K sampled without noise.",
    ),
    "candidates": st.column_config.NumberColumn(
        "Candidates", format="localized", help="Number of pairs of an item and a candidate neighbour."
    ),
    "titles": st.column_config.NumberColumn(
        "Items", format="localized", help="Number of items with at least one candidate of this relation."
    ),
    "mean": st.column_config.NumberColumn(
        "Per item", format="%.1f", help="Mean number of candidates of this relation per item."
    ),
}


def show(statistics: pd.DataFrame, resets: list[dict[str, Any]] | None) -> None:
    """Each relation's share of the candidates and of the sampling, and its weight.

    Args:
        statistics: a row per relation, in the order of the artifact (Explorer.graph_statistics).
        resets: the reset test (dskreg/ui/model/worth.py).
    """
    origin = weights_in_words(statistics, resets)
    statistics = statistics.sort_values("mass", ascending=False, kind="stable")
    st.markdown(f"**Sampling by relation.** {plain(preference(statistics))}")
    left, right = st.columns([2, 3], gap="medium")
    charts.show_chart(
        left,
        charts.relation_shares(statistics.rename(columns={"mass": "share"})),
        key="relations",
        alt="Each relation's share of the candidates and of the sampling",
    )
    right.dataframe(
        statistics.assign(mass=100 * statistics["mass"]),
        hide_index=True,
        key="relations_table",
        alt="The knowledge graph by relation: sampling share, weight, sampled neighbours and candidates",
        column_order=tuple(COLUMNS),
        column_config=COLUMNS,
    )
    st.caption(origin)


def weights_in_words(statistics: pd.DataFrame, resets: list[dict[str, Any]] | None) -> str:
    """Whether the weights are learnt, as far as the reset test says so."""
    if statistics["weight"].isna().all():
        return "In this model a relation has no single weight: relevance is linear in its embedding."
    changed = sure_change(resets or [], UNTRAINED)
    if changed:
        return f"With the weights from before training, {changed}."
    return "Against the weights from before training, no difference was measured."


def preference(statistics: pd.DataFrame) -> str:
    """A sentence on the relations sampled most above and most below their share of the candidates."""
    shares = statistics.assign(
        share=statistics["candidates"] / max(statistics["candidates"].sum(), 1)
    ).set_index("relation")
    if len(shares) < 2:
        return "There is only one relation to sample from."
    lift = shares["mass"] - shares["share"]
    most, least = (
        f"“{name}” has {percent(shares.loc[name, 'share'])} of the candidates and "
        f"{percent(shares.loc[name, 'mass'])} of the probability"
        for name in (lift.idxmax(), lift.idxmin())
    )
    return f"The relation {most}, while {least}. Under uniform sampling, both shares would be equal."
