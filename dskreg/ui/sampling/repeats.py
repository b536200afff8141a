"""Many samples: what would another one change of the item's rank, of the list and of the neighbours, and do
the frequencies converge to the exact inclusion probabilities?
"""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, percent
from dskreg.ui.common import cache
from dskreg.ui.common.charts import show_chart
from dskreg.ui.common.widgets import plain
from dskreg.ui.sampling import frequency_charts as charts
from dskreg.ui.sampling.draw import Sample

LISTS, STEP = ("20", "50", "200"), 10  # samples of the whole list, so many of them at a time
TIMES = ("100", "1000", "5000")
ALMOST, MOSTLY = 0.8, 0.5  # shares of the neighbours that two samples have in common
PERCENT = {
    "inclusion_probability": ("Exact π", "Exact inclusion probability, in percent."),
    "frequency": ("Observed", "Share of the samples that contain the candidate, in percent."),
    "low": ("Band from", "Lower end of the 95% band around the exact probability."),
    "high": ("Band to", "Upper end of the 95% band around the exact probability."),
}
FREQUENCIES: dict[str, Any] = {
    "title": st.column_config.TextColumn("Candidate", pinned=True, width="medium"),
    "relation": "Relation r",
    **{
        name: st.column_config.NumberColumn(label, format="%.1f%%", help=text)
        for name, (label, text) in PERCENT.items()
    },
    "inside": st.column_config.CheckboxColumn("In band"),
    "logit": st.column_config.NumberColumn("Logit s", format="%.3f"),
}
SHARE = st.column_config.ProgressColumn
COME_AND_GO: dict[str, Any] = {
    "title": st.column_config.TextColumn("Item", pinned=True, width=180),
    "share": SHARE(
        "In the list", format="%.0f%%", min_value=0, max_value=100, help="Share of the samples, in percent."
    ),
    "rank": st.column_config.NumberColumn(
        "Rank as served", help="Rank of the recommendations, without noise."
    ),
}
NEIGHBOURS: dict[str, Any] = {
    "title": st.column_config.TextColumn("Neighbour", pinned=True, width=170),
    "frequency": SHARE(
        "Sampled",
        format="%.0f%%",
        min_value=0,
        max_value=100,
        width=110,
        help="Share of the samples, in percent.",
    ),
    "inclusion_probability": st.column_config.NumberColumn(
        "Exact π", format="%.0f%%", help="Exact inclusion probability, in percent."
    ),
    "leading": st.column_config.NumberColumn(
        "Adds most", format="%.0f%%", help="Share of the samples in which it adds most, in percent."
    ),
    "picked": st.column_config.CheckboxColumn("As served", help="Whether it is sampled without noise."),
    "relation": "Relation r",
}


def show_repeats(sample: Sample) -> None:
    """What another sample would change, then the check of the frequencies."""
    _show_stability(sample)
    _show_check(sample)


def verdict(explanation: Explanation) -> str:
    """Would a second sample explain the recommendation otherwise? Markdown, from exact probabilities."""
    count, picks = len(explanation.item_neighbours), explanation.picks
    if not count:
        return "**No.** The item has no candidates, so nothing is sampled."
    if count <= picks:
        number = f"its {count} candidates" if count > 1 else "its only candidate"
        return f"**No.** Every sample contains {number}."
    shared = explanation.expected_overlap
    share = shared / picks
    answer = (
        "**Hardly.** A second sample would explain this recommendation with nearly the same neighbours"
        if share >= ALMOST
        else "**In part.** A second sample would replace some of the neighbours"
        if share >= MOSTLY
        else "**Yes.** A second sample would explain this recommendation with mostly other neighbours"
    )
    return f"{answer}: two samples share **{shared:.1f}** of **{picks}** on average."


def _show_stability(sample: Sample) -> None:
    st.subheader("Would a second sample explain it differently?", anchor=False)
    st.markdown(verdict(sample.explanation(seed=None)))
    count = st.segmented_control(
        "Samples of the whole list",
        LISTS,
        key="lists",
        bind="query-params",
        help="Each sample draws the neighbours of every item (seeds 0, 1, 2, ...) and ranks all items.",
    )
    if not count:
        return
    found = _stability(sample, int(count))
    low, middle, high = np.quantile(found.rank, [0.05, 0.5, 0.95], method="nearest")
    comes = found.items["share"].between(0, 1, inclusive="neither")
    leading = found.neighbours["leading"]
    lead = ""
    if leading.any():
        first = plain(found.neighbours["title"][leading.idxmax()])
        lead = f" The neighbour that adds most is *{first}* in **{percent(leading.max())}** of the samples."
    span = f"rank **{low}** to **{high}**" if low != high else f"rank **{low}**"
    st.markdown(
        f"90% interval over **{found.count}** samples: {span} (median **{middle}**, as served "
        f"**{found.served}**). Two samples share **{percent(found.overlap)}** of their top {sample.top}; "
        f"**{int(comes.sum())}** items are in some of these lists and not in others.{lead}"
    )
    left, right = st.columns(2, gap="medium")
    left.markdown("**Rank of this item**")
    show_chart(
        left,
        charts.rank_spread(found.rank, found.served),
        key="rank_spread",
        alt=f"Ranks of {found.count} samples from {found.rank.min()} to {found.rank.max()}",
    )
    right.markdown(f"**Items in the top {sample.top}**")
    right.dataframe(
        # What comes and goes first
        pd.concat([found.items[comes], found.items[~comes]]).assign(share=lambda rows: 100 * rows["share"])[
            list(COME_AND_GO)
        ],
        column_config=COME_AND_GO,
        hide_index=True,
        key="come_and_go",
        height=300,
        alt=f"Share of {found.count} samples with each item in the top {sample.top}",
    )
    st.markdown("**Neighbours of this item**")
    rows = found.neighbours[(found.neighbours["frequency"] > 0) | found.neighbours["picked"]]
    shares = {name: 100 * rows[name] for name in ("frequency", "inclusion_probability", "leading")}
    st.dataframe(
        rows.assign(**shares)[list(NEIGHBOURS)],
        column_config=NEIGHBOURS,
        hide_index=True,
        key="neighbours_come_and_go",
        height=340 if len(rows) > 8 else "content",
        alt=f"Share of {found.count} samples with each neighbour, and its exact inclusion probability",
    )


def _stability(sample: Sample, count: int) -> Any:
    """`Explorer.stability` of so many samples, a few at a time under a progress bar."""
    explorer, about = sample.explorer, (sample.profile, sample.item_id)
    settings: dict[str, Any] = {"picks": sample.picks, "user_picks": sample.user_picks}
    bar, parts = st.empty(), []
    for seed in range(0, count, STEP):
        bar.progress(seed / count, f"Sample {seed + 1} of {count}")
        parts.append(cache.ask(explorer, "list_samples", *about, STEP, seed=seed, top=sample.top, **settings))
    bar.empty()
    return explorer.stability(*about, parts, **settings)


def _show_check(sample: Sample) -> None:
    """The number of samples and what they show; nothing is sampled before a number is chosen."""
    st.subheader("Monte Carlo check", anchor=False)
    st.caption("Empirical frequencies vs exact inclusion probabilities, over the seeds 0, 1, 2, ...")
    count = st.segmented_control("Number of samples", TIMES, key="times", bind="query-params")
    if not count:
        return
    settings = {**sample.settings, "seed": 0}
    with st.spinner("Sampling …"):
        made = cache.ask(sample.explorer, "repeat", sample.profile, sample.item_id, int(count), **settings)
    if made.frame.empty:
        st.info("The item has no candidates, so no neighbour is sampled.", icon=":material/hub:")
    else:
        _show_frequencies(made)
    _show_scores(made.score, sample.explanation(seed=None).score)


def _show_frequencies(made: Any) -> None:
    inside = made.frame["frequency"].between(made.frame["low"] - 1e-12, made.frame["high"] + 1e-12)
    frame = made.frame.assign(inside=inside)
    difference = (frame["frequency"] - frame["inclusion_probability"]).abs()
    outside, furthest = int((~inside).sum()), plain(frame["title"][difference.idxmax()])
    st.markdown(
        f"Over **{made.count:,}** samples, the largest difference between frequency and exact probability is "
        f"**{100 * difference.max():.1f} percentage points** (*{furthest}*). **{outside}** of "
        f"**{len(frame)}** candidates lie outside their 95% band; about 1 in 20 is expected."
    )
    chart, table = st.tabs(["Chart", "Table"], key="repeats_as", bind="query-params")
    with chart:
        _show_charts(frame, made.running, outside)
    table.dataframe(
        frame.assign(**{name: 100 * frame[name] for name in PERCENT})[list(FREQUENCIES)],
        column_config=FREQUENCIES,
        hide_index=True,
        key="repeats",
        alt="Exact inclusion probability and observed frequency of all candidates",
        height=460,
    )


def _show_charts(frame: pd.DataFrame, running: pd.DataFrame, outside: int) -> None:
    chosen = charts.spread(frame["inclusion_probability"])
    left, right = st.columns(2)
    left.markdown("**Convergence of empirical frequency** (dotted: exact probability)")
    show_chart(
        left,
        charts.converging(frame, running, chosen),
        key="converging",
        alt=f"Share of the first n samples that contain {', '.join(frame['title'][chosen])}",
    )
    right.markdown("**All candidates** (dotted: observed equals exact)")
    show_chart(
        right,
        charts.exact_and_observed(frame),
        key="exact_and_observed",
        alt=f"Exact probability and frequency of {len(frame)} candidates; {outside} outside the band",
    )


def _show_scores(score: np.ndarray, without_noise: float) -> None:
    low, high = np.quantile(score, [0.05, 0.95])
    st.subheader("Score distribution over samples", anchor=False)
    st.markdown(
        f"90% interval: **{low:.3f}** to **{high:.3f}**; mean **{score.mean():.3f}**. "
        f"Recommendations are made without noise: **{without_noise:.3f}**, "
        f"above **{percent((score < without_noise).mean())}** of the random samples."
    )
    left, right = st.columns([3, 2])
    alt = f"Scores of {len(score):,} samples from {score.min():.3f} to {score.max():.3f}"
    show_chart(left, charts.score_spread(score, without_noise), key="score_spread", alt=alt)
    figures = {
        "mean": score.mean(),
        "standard deviation": score.std(),
        "min": score.min(),
        "5th percentile": low,
        "median": np.median(score),
        "95th percentile": high,
        "max": score.max(),
        "without noise": without_noise,
    }
    rows = [{"figure": "samples", "score": f"{len(score):,}"}]
    rows += [{"figure": name, "score": f"{value:.3f}"} for name, value in figures.items()]
    right.dataframe(
        rows,
        column_config={"figure": "Statistic", "score": "Score"},
        hide_index=True,
        key="score_figures",
        alt=alt,
        height="content",
    )
