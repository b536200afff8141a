"""Many samples of one item: do the frequencies converge to the exact inclusion probabilities, and how much
does the score vary?
"""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.explorer import percent
from dskreg.ui.common import cache
from dskreg.ui.common.charts import show_chart
from dskreg.ui.common.widgets import plain
from dskreg.ui.sampling import frequency_charts as charts
from dskreg.ui.sampling.draw import Sample

TIMES = ("100", "1000", "5000")
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


def show_repeats(sample: Sample) -> None:
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
