"""The sampling page's first panels: the draw as a picture, the sum that makes the score, all candidates, and
what the relations hold.
"""

from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.common.widgets import plain
from dskreg.ui.sampling import network
from dskreg.ui.sampling.draw import COLUMNS, QUIET, Shown, candidates_of, show_candidates, side_of_draw

SINGLE_PARTS = 7  # neighbours with a bar of their own in the sum
EDGES = ("title", "picked", "contribution", "inclusion_probability", "relation")


def answer(frame: pd.DataFrame, what: str, random: bool) -> str:
    """What could have been drawn, what was, and which of it matters most, if any does; Markdown."""
    drawn = frame[frame["picked"]]
    opening = f"Of **{len(frame)}** {what} the model {'drew' if random else 'took the'} **{len(drawn)}**{'' if random else ' with the largest logits'}."
    if len(drawn) == len(frame):
        opening = (
            f"All **{len(frame)}** {what} were taken: there are no more than K."
            if len(frame) > 1
            else f"There is **one** of the {what}, and it was taken."
        )
    if not drawn["contribution"].any():
        return opening
    most = drawn.loc[drawn["contribution"].abs().idxmax()]
    relation = "" if most["relation"] == "liked" else f" ({plain(most['relation'])})"
    matters = "contributes most" if most["contribution"] >= 0 else "weighs most, and against the title"
    chance = f"a random draw contains it with probability **{most['inclusion_probability']:.0%}**."
    together = f"Together they add **{drawn['contribution'].sum():+.3f}**." if len(drawn) > 1 else ""
    return f"{opening} *{plain(most['title'])}*{relation} {matters}: **{most['contribution']:+.3f}**; {chance} {together}"


def score_parts(explanation: Explanation) -> list[tuple[str, str, float]]:
    """The terms of the sum (name, relation, value): the title itself, the drawn neighbours (small ones
    together), the bias.
    """
    frame = explanation.item_neighbours
    drawn = frame[frame["picked"]].sort_values("contribution", key=abs, ascending=False, kind="stable")
    single, rest = drawn.head(SINGLE_PARTS), drawn.iloc[SINGLE_PARTS:]
    parts = [("the title itself", "", explanation.self_contribution)]
    parts += list(zip(single["title"], single["relation"], single["contribution"], strict=True))
    parts += (
        [(f"{len(rest)} more neighbour{'s' * (len(rest) > 1)}", "", rest["contribution"].sum())]
        if len(rest)
        else []
    )
    return [*parts, ("bias", "", explanation.bias)] if explanation.bias else parts


def show_drawing(shown: Shown, explanation: Explanation) -> None:
    """One side of the draw: drawing and its edges; below, the score as a sum."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("What was drawn, and what was not", anchor=False, width="content")
        st.caption("for the", width="content")
        side = side_of_draw()
    frame, profile = candidates_of(shown, explanation, side), shown.profile
    if side == "viewer":
        simulated = (
            " The demo's viewers are simulated."
            if shown.explorer.simulated and profile.user_id is not None
            else ""
        )
        st.caption(
            f"To the model a person is the sum of the liked titles; those drawn count once more. Below, what that adds to the score.{simulated}"
        )
        if len(frame):
            st.markdown(answer(frame, "liked titles", shown.seed is not None))
    if len(frame):
        _picture(shown, frame, explanation.title if side == "title" else profile.label, side)
    else:
        st.info("There is nothing to draw on this side.", icon=":material/hub:")
    st.subheader("How the score adds up", anchor=False)
    show_sum(explanation)


def _picture(shown: Shown, frame: pd.DataFrame, centre: str, side: str) -> None:
    liked = set(shown.profile.history) if side == "title" else set()
    drawing = network.draw(frame, centre, shown.colours(), liked, st.context.theme.type == "dark")
    left, right = st.columns([3, 2])
    with left:
        st.iframe(drawing.html, height="content", alt=drawing.alt)
        # Streamlit asks it whether this is an address, and it would keep the last 128 drawings.
        urlsplit.cache_clear()  # type: ignore[attr-defined]
    with right:
        show_candidates(
            drawing.edges, EDGES, f"edges_{side}", f"The drawing as a table. {drawing.alt}", compact=True
        )
        several = (
            " A title with several relations is one box, with their sum."
            if drawing.edges["item_id"].duplicated().any()
            else ""
        )
        st.caption(
            f"The same edges as a table.{several}"
            + (" \u2665 in the drawing: a title that this person likes." if liked else "")
        )
        if drawing.left_out:
            st.caption(
                f"{drawing.left_out} more were drawn than the picture has room for; they are among the candidates."
            )


def show_sum(explanation: Explanation) -> None:
    """The score as a sum: drawing and table."""
    parts, linear = score_parts(explanation), explanation.activation == "linear"
    total = ("score" if linear else f"sum before {explanation.activation}", explanation.pre_activation_score)
    alt = f"The title itself and its drawn neighbours add up to {explanation.pre_activation_score:.3f}"
    left, right = st.columns([3, 2])
    left.plotly_chart(charts.score_sum(parts, total), key="score_sum", config=QUIET, alt=alt)
    config: dict[str, Any] = {
        "part": st.column_config.TextColumn("Part", pinned=True, width=190),
        "relation": "Relation",
    }
    config["adds"] = st.column_config.NumberColumn("Adds", format="%+.3f")
    table = pd.DataFrame([*parts, (total[0], "", total[1])], columns=list(config))
    right.dataframe(
        table[["part", "adds", "relation"]],
        hide_index=True,
        column_config=config,
        alt=alt,
        key="score_table",
        height="content",
    )
    if not linear:
        st.caption(
            f"Contributions add up only before the activation; {explanation.activation} then bends the sum to the score {explanation.score:.3f}."
        )


def show_all(shown: Shown, explanation: Explanation) -> None:
    """Every candidate with every number of the draw: filtered, sorted by a click on a column's head,
    downloaded.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        side = side_of_draw()
        frame = candidates_of(shown, explanation, side)
        text = (
            st.text_input(
                "Title contains", key="find", bind="query-params", type="search", live="300ms", width=220
            )
            or ""
        )
        relations = list(dict.fromkeys(explanation.item_neighbours["relation"])) if side == "title" else []
        wanted = (
            st.multiselect(
                "Relations", relations, key="relation", bind="query-params", placeholder="all", width=320
            )
            if relations
            else []
        )
        drawn = st.toggle("Drawn only", key="drawn", bind="query-params")
    chosen = frame["title"].str.contains(text.strip(), case=False, regex=False) & (
        frame["picked"] | (not drawn)
    )
    if wanted:
        chosen &= frame["relation"].isin(wanted)
    some = frame[chosen]
    few = "" if len(some) == len(frame) else f"**{len(some)}** of "
    st.markdown(
        f"{few}**{len(frame)}** candidates, largest key first. A click on a column's head sorts by it; its help says what it means."
    )
    show_candidates(
        some,
        tuple(COLUMNS),
        f"candidates_{side}",
        f"Candidates on the side of the {side} with every number of the draw",
    )
    icon = ":material/download:"
    st.download_button(
        "These candidates (CSV)",
        widgets.safe_csv(some),
        f"candidates_{side}.csv",
        "text/csv",
        icon=icon,
        on_click="ignore",
    )


def show_relations(shown: Shown, relations: pd.DataFrame) -> None:
    """Which relations hold the probability mass, and what those drawn of each add."""
    if relations.empty:
        st.info("Without candidates there is no relation to weigh.", icon=":material/hub:")
        return
    gates = cache.ask(shown.explorer, "graph_statistics")[["relation", "gate"]]
    relations = relations.sort_values("share", ascending=False).merge(gates, on="relation")
    first = relations.iloc[0]
    portion = first["candidates"] / relations["candidates"].sum()
    st.markdown(
        f"*{plain(first['relation'])}* holds **{first['share']:.0%}** of the probability mass with **{portion:.0%}** of the candidates. "
        "Where the mass exceeds the share of the candidates, a candidate of that relation is likelier than the average one to be drawn."
    )
    alt = f"Share of the probability mass beside the share of the candidates for {len(relations)} relations, {first['relation']} first"
    st.plotly_chart(charts.relation_shares(relations), key="relation_shares", config=QUIET, alt=alt)
    config: dict[str, Any] = {
        "relation": st.column_config.TextColumn("Relation", pinned=True),
        "candidates": "Candidates",
        "drawn": "Drawn",
    }
    labels = {
        "expected_picks": ("Expected", "%.2f", "How many of the relation a random draw contains on average."),
        "share": ("Mass", "%.1f%%", "Share of softmax(s)."),
        "gate": (
            "Gate g",
            "%.3f",
            "The factor on what a drawn neighbour of this relation adds; chosen on validation.",
        ),
        "attention": (
            "Attention α",
            "%.3f",
            "What the drawn of this relation weigh together; over all relations it sums to 1.",
        ),
        "contribution": ("Adds", "%+.3f", "What the drawn of this relation add to the score together."),
    }
    config |= {
        name: st.column_config.NumberColumn(label, format=form, help=text)
        for name, (label, form, text) in labels.items()
    }
    if relations["gate"].isna().all():
        del config["gate"]
    table = relations.assign(share=100 * relations["share"])[list(config)]
    st.dataframe(
        table,
        hide_index=True,
        key="relations",
        alt=f"{alt}; what was drawn beside them",
        column_config=config,
        height="content",
    )
