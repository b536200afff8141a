"""How much neighbours weigh beside an item's own embedding: kappa and scale in words, the measured curve of
the cold boost, and the neighbours' share of the score over the number of likes.
"""

from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import COLD, Explorer, percent, signed_percent
from dskreg.ui.common import cache, charts
from dskreg.ui.common.figure import Figure

LINES = {"all": "all items", "warm": "items with likes", "cold": "new items"}
PAIRS = {"recommended": "recommended", "at random": "random pairs"}
EXAMPLES = (1, 10, 100, 1000)  # likes


def show(explorer: Explorer, evidence: dict[str, Any] | None) -> None:
    """Both charts; the paper's form has no weights to tell of, only the shares."""
    st.header("Own embedding and neighbours", anchor=False)
    if evidence:
        st.markdown(weights_in_words(evidence))
    left, right = st.columns(2, gap="medium") if evidence and evidence["curve"] else (None, st.container())
    if left and evidence:
        with left:
            _show_curve(evidence)
    with right:
        _show_shares(cache.ask(explorer, "neighbour_shares"))


def weights_in_words(evidence: dict[str, Any]) -> str:
    """kappa and scale, with the weight at some numbers of likes; Markdown."""
    kappa, scale = evidence["kappa"], evidence["scale"]
    weights = [f"{scale * kappa / (n + kappa):.2g} at {n} like{'s' * (n > 1)}" for n in EXAMPLES]
    return (
        f"The neighbours of an item with n likes weigh scale · κ / (n + κ), with **κ = {kappa:g}** and "
        f"**scale {scale:g}**: {', '.join(weights)}. The weight falls with the number of likes, "
        f"to half at κ likes. Both were chosen on validation: of the settings within 0.3% of the best NDCG "
        "of all items, the one that ranks rare items best."
    )


def boost_in_words(evidence: dict[str, Any]) -> str:
    """What the chosen boost means, in a sentence; Markdown."""
    by_boost = {row["boost"]: row for row in evidence["curve"]}
    chosen, unscored = by_boost.get(evidence["boost"]), by_boost.get(0.0)
    if not chosen or not unscored or not unscored["warm"]:
        return ""
    warm, every = (signed_percent(chosen[name] / unscored[name] - 1) for name in ("warm", "all"))
    return (
        f"At the chosen boost of **{evidence['boost']:g}**, NDCG@20 of items with likes changes by "
        f"**{warm}** and that of all items by **{every}**, while new items rise from 0 to "
        f"**{chosen['cold']:.3f}**: it is the largest boost at which items with likes lose at most 1%."
    )


def curve_chart(evidence: dict[str, Any]) -> Figure:
    """NDCG@20 of all, warm and cold titles over the boost, the chosen one marked."""
    curve, figure = pd.DataFrame(evidence["curve"]), Figure()
    for colour, (column, name) in zip(charts.COLOURS, LINES.items(), strict=False):
        figure.add(
            "scatter",
            x=curve["boost"],
            y=curve[column],
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 2},
            marker={"size": 6},
            hovertemplate=f"boost %{{x:g}}: NDCG@20 of {name} %{{y:.4f}}<extra></extra>",
        )
    figure.add_vertical(evidence["boost"], {"color": charts.CHOSEN, "width": 2, "dash": "dot"})
    figure.annotate(
        text=f"chosen: {evidence['boost']:g}",
        font={"size": 13},
        x=evidence["boost"],
        xref="x",
        xanchor="left",
        y=1,
        yref="y domain",
        yanchor="top",
        yshift=-2,
    )
    figure.x_axis(title="cold boost", showgrid=False)
    highest = 1.15 * max(float(curve[list(LINES)].to_numpy().max()), 1e-3)  # room for the mark's name
    figure.y_axis(title="validation NDCG@20", range=[0, highest], automargin=True, nticks=6)
    figure.update(legend=charts.LEGEND)
    return charts.finish(figure, height=340, right=16)


def _show_curve(evidence: dict[str, Any]) -> None:
    st.markdown(
        "**New items: how high may they rise?**",
        help="Cold boost: weight of the neighbours of items without likes. Measured on "
        f"{evidence['hidden']:,} items whose likes were hidden from {evidence['users']:,} users, "
        "with every item ranked. 0: new items come last.",
    )
    charts.show_chart(
        st,
        curve_chart(evidence),
        key="boost_curve",
        alt=f"Validation NDCG@20 of all, warm and new items over the cold boost; "
        f"{evidence['boost']:g} is chosen",
    )
    st.markdown(boost_in_words(evidence))


def shares_chart(shares: pd.DataFrame) -> Figure:
    """The median share and the quartiles over the bins of likes."""
    figure = Figure()
    for colour, (pairs, name) in zip(charts.COLOURS, PAIRS.items(), strict=False):
        rows = shares[(shares["pairs"] == pairs) & (shares["count"] > 0)]
        figure.add(
            "scatter",
            x=rows["likes"],
            y=rows["median"],
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 2},
            marker={"size": 7},
            customdata=rows[["low", "high", "count"]].to_numpy(),
            error_y={
                "type": "data",
                "array": rows["high"] - rows["median"],
                "arrayminus": rows["median"] - rows["low"],
                "thickness": 1.2,
                "width": 3,
            },
            hovertemplate=(
                f"{name}, %{{x}} likes: median %{{y:.0%}}, middle half %{{customdata[0]:.0%}} to "
                "%{customdata[1]:.0%}, %{customdata[2]:,} pairs<extra></extra>"
            ),
        )
    order = list(dict.fromkeys(shares["likes"]))
    figure.x_axis(
        title="likes of the item",
        type="category",
        categoryorder="array",
        categoryarray=order,
        showgrid=False,
    )
    figure.y_axis(
        title="neighbours' share of the score",
        tickformat=".0%",
        rangemode="tozero",
        automargin=True,
        nticks=6,
    )
    figure.update(legend=charts.LEGEND)
    return charts.finish(figure, height=340, right=16)


def shares_in_words(shares: pd.DataFrame) -> str:
    """The share for titles without likes, and for the best and the least liked that are recommended."""
    listed = shares[(shares["pairs"] == "recommended") & (shares["count"] > 0) & (shares["likes"] != COLD)]
    if listed.empty:
        return ""
    few, many = listed.iloc[0], listed.iloc[-1]
    if few["likes"] == many["likes"]:
        return f"Recommended items with {few['likes']} likes: **{percent(few['median'])}** in the median."
    return (
        f"Of recommended items with {few['likes']} likes, neighbours make "
        f"**{percent(few['median'])}** of the score in the median; with {many['likes']} likes, "
        f"**{percent(many['median'])}**."
    )


def _show_shares(shares: pd.DataFrame) -> None:
    st.markdown(
        "**Neighbours' share of the score, by likes**",
        help="Points: medians; bars: the middle half. Recommended: the first 20 of 200 users; random pairs: "
        "the same users with any item. Above 100%: the own embedding pulls the other way.",
    )
    if not shares["count"].any():
        st.info("No user has a history, so there is no score to split.")
        return
    charts.show_chart(
        st,
        shares_chart(shares),
        key="neighbour_shares",
        alt="The sampled neighbours' share of the score over the number of likes of the item",
    )
    st.markdown(shares_in_words(shares))
