"""What the panels of the sampling page share: the sample that they show, and the table of candidates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, Explorer, Profile
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.sampling.graph import marks

SIDES = ("item", "user")
NOT_POSSIBLE = "The link asks for {}, which is not possible here. The page uses other values."
NUMBERS = {
    "rank": "%d",
    "logit": "%.3f",
    "share": "%.1f%%",
    "noise": "%.3f",
    "key": "%.3f",
    "margin": "%+.3f",
    "relaxed": "%.3f",
    "attention": "%.3f",
    "contribution": "%+.3f",
    "inclusion_probability": "%.1f%%",
    "lift": "%.1f",
}
PERCENT = ("share", "inclusion_probability")
COLUMNS = {  # label, help, width in pixels: down to the contribution they fit into 900 pixels
    "title": ("Candidate", "", 168),
    "picked": ("Sampled", "Whether the key is among the K largest.", 72),
    "logit": ("Logit s", "Score of the sampler; a larger logit means a larger inclusion probability.", 66),
    "noise": ("Noise G", "Gumbel noise of this sample; 0 for Top-K as served.", 68),
    "key": ("Key s + G", "Logit plus Gumbel noise; the K largest keys are sampled.", 78),
    "margin": (
        "Margin",
        "Key minus the K-th largest key: 0 or above if sampled. Empty where all candidates are sampled.",
        68,
    ),
    "inclusion_probability": (
        "π",
        "Inclusion probability: exact share of all random samples that contain the candidate.",
        64,
    ),
    "lift": (
        "Lift",
        "Inclusion probability divided by that of a uniform draw of K candidates; 1: as likely as by chance.",
        52,
    ),
    "via": ("Via", "Entities that both items have under this relation.", 138),
    "relation": ("Relation r", "Relation of the knowledge graph that links the candidate to the item.", 86),
    "contribution": (
        "Adds",
        "Contribution: what the candidate adds to the score before the activation; 0 if it is not sampled.",
        66,
    ),
    "attention": ("Attention α", "Weight among the sampled neighbours; the weights sum to 1.", 90),
    "liked": ("Liked", "Whether the user likes the candidate.", 60),
    "rank": ("Rank", "Position by key; the first K candidates are sampled.", 56),
    "share": ("Probability mass", "Share of softmax(s), in percent.", 120),
    "relaxed": (
        "Relaxed weight",
        "Soft weight at the temperature of training, which carries its gradient; it can exceed 1.",
        116,
    ),
}


@dataclass(frozen=True)
class Sample:
    """The sample on show: one user, one item, and the sampler's settings; `seed` None: Top-K as served."""

    explorer: Explorer
    profile: Profile
    item_id: Any
    seed: int | None
    picks: int
    user_picks: int
    top: int = 10  # recommendations in the list

    @property
    def settings(self) -> dict[str, Any]:
        """What decides which neighbours are sampled."""
        return {"seed": self.seed, "picks": self.picks, "user_picks": self.user_picks}

    def explanation(self, item_id: Any = None, **changed: Any) -> Explanation:
        """The explanation; of another item, or with other settings, if given."""
        item_id = self.item_id if item_id is None else item_id
        return cache.explanation(self.explorer, self.profile, item_id, **self.settings | changed)

    def flow(self, **more: Any) -> pd.DataFrame:
        """The score by pairs of a liked title and a term (`Explorer.flow`)."""
        found: pd.DataFrame = cache.ask(
            self.explorer, "flow", self.profile, self.item_id, **self.settings | more
        )
        return found

    def colours(self) -> dict[str, str]:
        """A colour for every relation, the same on all panels."""
        dark = charts.is_dark()
        return {**marks.colours(cache.relation_names(self.explorer), dark), "liked": charts.LIKED}


def choose_side(sample: Sample) -> str:
    """The switch between the neighbours of the item and, where likes are sampled, those of the user."""
    return widgets.one_of("Side", SIDES, "side") if sample.explorer.samples_likes else SIDES[0]


def candidates_of(sample: Sample, explanation: Explanation, side: str) -> pd.DataFrame:
    """One side's candidates; those of the item say which of them the user likes."""
    if side == "user":
        return explanation.user_neighbours
    frame = explanation.item_neighbours
    return frame.assign(liked=frame["item_id"].isin(list(sample.profile.history)))


def cut(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series] | None:
    """The sampled candidate with the smallest key and the unsampled one with the largest; None where all
    are sampled.

    Args:
        frame: candidates, the largest key first.
    """
    sampled = int(frame["picked"].sum())
    return None if sampled in (0, len(frame)) else (frame.iloc[sampled - 1], frame.iloc[sampled])


def with_margin(frame: pd.DataFrame) -> pd.DataFrame:
    """The candidates with `margin`: key minus the K-th largest key, NaN where there is no choice."""
    ends = cut(frame)
    return frame.assign(margin=np.nan if ends is None else frame["key"] - ends[0]["key"])


def show_candidates(
    frame: pd.DataFrame, columns: tuple[str, ...], key: str, alt: str, compact: bool = False
) -> None:
    """A table of candidates with the numbers of the sample."""
    table = frame.assign(**{name: 100 * frame[name] for name in PERCENT})
    table = table[[name for name in columns if name in frame]]
    st.dataframe(
        table,
        column_config=_columns(compact),
        hide_index=True,
        key=key,
        alt=alt,
        height="content" if compact and len(table) < 20 else 460,
    )


def _columns(compact: bool) -> dict[str, Any]:
    """How the columns are shown; compact ones stand beside a drawing."""
    config: dict[str, Any] = {
        name: st.column_config.NumberColumn(label, format=NUMBERS[name], help=text, width=width)
        if name in NUMBERS
        else st.column_config.Column(label, help=text, width=width, pinned=name == "title")
        for name, (label, text, width) in COLUMNS.items()
    }
    if compact:
        for name, label, form, width in (
            ("contribution", "Adds", NUMBERS["contribution"], 62),
            ("lift", "Lift", NUMBERS["lift"], 48),
            ("inclusion_probability", "π", "%.0f%%", 56),
        ):
            config[name] = st.column_config.NumberColumn(
                label, format=form, help=COLUMNS[name][1], width=width
            )
        config["title"] = st.column_config.TextColumn("Candidate", pinned=True, width=112)
        config["relation"] = st.column_config.TextColumn("Relation", help=COLUMNS["relation"][1], width=74)
    return config
