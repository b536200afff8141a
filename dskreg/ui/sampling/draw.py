"""What the panels of the sampling page share: the sample that they show, and the table of candidates."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, Explorer, Profile
from dskreg.ui.common import cache, charts, widgets
from dskreg.ui.sampling.graph import marks

QUIET = {"displayModeBar": False}
SIDES = ("item", "user")
NUMBERS = {
    "rank": "%d",
    "logit": "%.3f",
    "share": "%.1f%%",
    "noise": "%.3f",
    "key": "%.3f",
    "relaxed": "%.3f",
    "attention": "%.3f",
    "contribution": "%+.3f",
    "lift": "%.1f",
}
PERCENT = ("share", "inclusion_probability")
COLUMNS = {
    "rank": ("Rank", "Position by key; the first K candidates are sampled."),
    "title": ("Candidate", ""),
    "picked": ("Sampled", "Whether the key is among the K largest."),
    "inclusion_probability": (
        "Inclusion probability π",
        "Exact share of all random samples that contain the candidate.",
    ),
    "lift": (
        "Lift",
        "Inclusion probability divided by that of a uniform draw of K candidates; 1: as likely as by chance.",
    ),
    "contribution": (
        "Contribution",
        "What the candidate adds to the score before the activation; 0 if it is not sampled.",
    ),
    "relation": ("Relation r", "Relation of the knowledge graph that links the candidate to the item."),
    "via": ("Shared entities", "Entities that both items have under this relation."),
    "liked": ("Liked", "Whether the user likes the candidate."),
    "attention": ("Attention α", "Weight among the sampled neighbours; the weights sum to 1."),
    "logit": ("Logit s", "Score of the sampler; a larger logit means a larger inclusion probability."),
    "noise": ("Gumbel noise G", "Noise of this sample; 0 if Gumbel noise is off."),
    "key": ("Key s + G", "Logit plus Gumbel noise; the K largest keys are sampled."),
    "share": ("Probability mass", "Share of softmax(s), in percent."),
    "relaxed": (
        "Relaxed weight",
        "Soft weight at temperature τ, which carries the gradient in training; it can exceed 1.",
    ),
}


@dataclass(frozen=True)
class Sample:
    """The sample on show: one user, one item, and the sampler's settings; `seed` None means no noise."""

    explorer: Explorer
    profile: Profile
    item_id: Any
    seed: int | None
    picks: int
    user_picks: int
    temperature: float

    @property
    def settings(self) -> dict[str, Any]:
        """What decides which neighbours are sampled."""
        return {"seed": self.seed, "picks": self.picks, "user_picks": self.user_picks}

    def explanation(self, item_id: Any = None, **changed: Any) -> Explanation:
        """The explanation; of another item, or with other settings, if given."""
        item_id = self.item_id if item_id is None else item_id
        settings = {**self.settings, "temperature": self.temperature} | changed
        return cache.explanation(self.explorer, self.profile, item_id, **settings)

    def colours(self) -> dict[str, str]:
        """A colour for every relation, the same on all panels."""
        dark = st.context.theme.type == "dark"
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
        name: st.column_config.NumberColumn(label, format=NUMBERS[name], help=text)
        if name in NUMBERS
        else st.column_config.Column(label, help=text)
        for name, (label, text) in COLUMNS.items()
    }
    title, (label, text) = COLUMNS["title"][0], COLUMNS["inclusion_probability"]
    config["title"] = st.column_config.TextColumn(title, pinned=True, width=130 if compact else "medium")
    if compact:
        config["picked"] = st.column_config.CheckboxColumn("Sampled", width=68)
        config["contribution"] = st.column_config.NumberColumn(
            "Adds", format=NUMBERS["contribution"], help=COLUMNS["contribution"][1], width=62
        )
        config["lift"] = st.column_config.NumberColumn(
            "Lift", format=NUMBERS["lift"], help=COLUMNS["lift"][1], width=48
        )
        config["inclusion_probability"] = st.column_config.NumberColumn(
            "π", format="%.0f%%", help=f"{label}: {text}", width=56
        )
    else:
        config["inclusion_probability"] = st.column_config.ProgressColumn(
            label, format="%.1f%%", min_value=0.0, max_value=100.0, help=text
        )
    return config
