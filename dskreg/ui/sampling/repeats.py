"""Many draws of one title: do the frequencies come to the exact probabilities, and how much does the score
depend on the draw?
"""

from typing import Any

import numpy as np
import streamlit as st

from dskreg.ui.common import cache
from dskreg.ui.common.widgets import plain
from dskreg.ui.sampling import charts
from dskreg.ui.sampling.draw import QUIET, Shown

TIMES = ("100", "1000", "5000")


def show_repeats(shown: Shown) -> None:
    """The choice of how often, and what came of it; nothing is drawn before it is asked for."""
    st.subheader("Draw it many times", anchor=False)
    st.caption(
        "A probability is a promise about many draws. Here it is kept, or not: each number opens that many draws, seeds 0, 1, 2 and so on."
    )
    chosen = st.segmented_control("Draw how many times?", TIMES, key="times", bind="query-params")
    if not chosen:
        return
    with st.spinner("Drawing …"):
        made = cache.ask(
            shown.explorer,
            "repeat",
            shown.profile,
            shown.item_id,
            int(chosen),
            seed=0,
            picks=shown.picks,
            user_picks=shown.user_picks,
        )
    frame = made.frame
    if frame.empty:
        st.info("This title has no candidates: only the viewer's side was drawn.", icon=":material/hub:")
    else:
        _frequencies(made)
    _scores(shown, made)


def _frequencies(made: Any) -> None:
    frame = made.frame.assign(
        inside=made.frame["frequency"].between(made.frame["low"] - 1e-12, made.frame["high"] + 1e-12)
    )
    outside, furthest = (
        int((~frame["inside"]).sum()),
        (frame["frequency"] - frame["inclusion_probability"]).abs(),
    )
    title = plain(frame["title"][furthest.idxmax()])
    st.markdown(
        f"After **{made.count:,}** draws the observed shares are within **{100 * furthest.max():.1f} percentage points** of the exact probabilities "
        f"(*{title}* is furthest off). **{outside}** of **{len(frame)}** candidates lie outside their 95 % band; chance alone puts about 1 in 20 there."
    )
    chosen = charts.spread(frame["inclusion_probability"])
    names = ", ".join(frame["title"][chosen])
    chart, table = st.tabs(["Chart", "Table"], key="repeats_as", bind="query-params")
    with chart:
        left, right = st.columns(2)
        alt = f"Share of the first n draws that contain {names}, converging to the exact probabilities"
        left.markdown("**The longer one draws, the closer one comes** (dotted: the exact probability)")
        left.plotly_chart(
            charts.converging(frame, made.running, chosen), key="converging", config=QUIET, alt=alt
        )
        alt = f"Exact probability against observed share of all {len(frame)} candidates; {outside} outside the band of 95 %"
        right.markdown("**All candidates**: on the dotted line, observed is exact")
        right.plotly_chart(charts.exact_and_observed(frame), key="exact_and_observed", config=QUIET, alt=alt)
    numbers = {"inclusion_probability": "Exact π", "frequency": "Observed", "low": "Band from", "high": "to"}
    config: dict[str, Any] = {
        "title": st.column_config.TextColumn("Candidate", pinned=True, width="medium"),
        "relation": "Relation r",
    }
    config |= {name: st.column_config.NumberColumn(label, format="%.1f%%") for name, label in numbers.items()}
    config |= {
        "inside": st.column_config.CheckboxColumn("Inside"),
        "logit": st.column_config.NumberColumn("Logit s", format="%.3f"),
    }
    shown = frame.assign(**{name: 100 * frame[name] for name in numbers})[list(config)]
    table.dataframe(
        shown,
        column_config=config,
        hide_index=True,
        key="repeats",
        alt="Exact and observed shares of all candidates",
        height=460,
    )


def _scores(shown: Shown, made: Any) -> None:
    without = shown.explanation(seed=None).score
    low, high = np.quantile(made.score, [0.05, 0.95])
    st.subheader("What the score did meanwhile", anchor=False)
    st.markdown(
        f"In nine of ten draws the score lies between **{low:.3f}** and **{high:.3f}**; their mean is **{made.score.mean():.3f}**. "
        f"Recommendations are made without noise: **{without:.3f}**, above **{(made.score < without).mean():.0%}** of the random draws."
    )
    left, right = st.columns([3, 2])
    figures = {
        "draws": made.count,
        "mean": made.score.mean(),
        "standard deviation": made.score.std(),
        "smallest": made.score.min(),
        "5 % below": low,
        # Fmt: skip
        "median": np.median(made.score),
        "5 % above": high,
        "largest": made.score.max(),
        "without noise": without,
    }
    alt = f"Scores of {made.count:,} draws from {made.score.min():.3f} to {made.score.max():.3f}; without noise {without:.3f}"
    left.plotly_chart(charts.score_spread(made.score, without), key="score_spread", config=QUIET, alt=alt)
    rows = [
        {"figure": name, "score": f"{value:,}" if name == "draws" else f"{value:.3f}"}
        for name, value in figures.items()
    ]
    right.dataframe(
        rows,
        column_config={"figure": "Of the draws", "score": "Score"},
        hide_index=True,
        key="score_figures",
        alt=alt,
        height="content",
    )
