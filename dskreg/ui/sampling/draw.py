"""What the panels of the sampling page share: the draw they show, and the table of candidates with its
explained columns.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from dskreg.explorer import Explanation, Explorer, Profile
from dskreg.ui.common import cache, charts, widgets

QUIET = {"displayModeBar": False}
NUMBERS = {"rank": "%d", "logit": "%.3f", "share": "%.1f%%", "noise": "%.3f", "key": "%.3f", "relaxed": "%.3f", "attention": "%.3f",
           "contribution": "%+.3f", "base_contribution": "%+.3f"}  # fmt: skip
PERCENT = ("share", "inclusion_probability")  # shown in hundredths
COLUMNS = {
    "rank": ("Rank", "By key: the first K are drawn."),
    "title": ("Candidate", ""),
    "picked": ("Drawn", "Among the K largest keys."),
    "inclusion_probability": (
        "Probability π",
        "In what share of all random draws it would be among the K. Exact, not estimated.",
    ),
    "contribution": ("Contribution", "What it adds to the score before the activation; 0 where not drawn."),
    "base_contribution": ("Base", "What the title adds as one of the liked titles, whether drawn or not."),
    "relation": ("Relation r", "Under which relation of the knowledge graph it is a neighbour."),
    "via": ("Via", "What the two titles share under this relation."),
    "liked": ("Liked", "Among the titles this person likes."),
    "attention": ("Attention \u03b1", "Its weight among the drawn; they sum to 1."),
    "logit": ("Logit s", "What the draw goes by: the larger, the likelier to be drawn."),
    "noise": ("Noise G", "This draw's Gumbel noise; 0 with the noise off."),
    "key": ("Key s + G", "The K largest keys are drawn."),
    "share": ("Share", "Of the probability mass softmax(s)."),
    "relaxed": (
        "Relaxed",
        "The soft weight at temperature τ that carries the gradient in training. No probability: it can exceed 1.",
    ),
}


@dataclass(frozen=True)
class Shown:
    """The draw that the page shows: one person, one title, and the sampler's settings.

    `seed` None: no noise.
    """

    explorer: Explorer
    profile: Profile
    item_id: Any
    seed: int | None
    picks: int
    user_picks: int
    temperature: float

    def explanation(self, item_id: Any = None, **changed: Any) -> Explanation:
        """The explanation, of another title or with another setting where asked."""
        settings = {
            "seed": self.seed,
            "picks": self.picks,
            "user_picks": self.user_picks,
            "temperature": self.temperature,
        } | changed
        return cache.explanation(
            self.explorer, self.profile, self.item_id if item_id is None else item_id, **settings
        )

    def colours(self) -> dict[str, str]:
        """A colour for every relation, the same on all panels."""
        return {**charts.palette(cache.relation_names(self.explorer)), "liked": charts.LIKED}


def side_of_draw() -> str:
    """The switch between the title's neighbours and the viewer's liked titles: "title" or "viewer"."""
    label = "On the side of the"
    return widgets.one_of(label, ("title", "viewer"), "side", label_visibility="collapsed")


def candidates_of(shown: Shown, explanation: Explanation, side: str) -> pd.DataFrame:
    """One side's candidates; those of the title say which of them the person likes."""
    if side == "viewer":
        return explanation.user_neighbours
    frame = explanation.item_neighbours
    return frame.assign(liked=frame["item_id"].isin(list(shown.profile.history)))


def show_candidates(
    frame: pd.DataFrame, columns: tuple[str, ...], key: str, alt: str, compact: bool = False
) -> None:
    """Candidates with the numbers that led to the draw."""
    config: dict[str, Any] = {
        name: st.column_config.Column(label, help=text) for name, (label, text) in COLUMNS.items()
    }
    config |= {
        name: st.column_config.NumberColumn(COLUMNS[name][0], format=form, help=COLUMNS[name][1])
        for name, form in NUMBERS.items()
    }
    config["title"] = st.column_config.TextColumn(
        COLUMNS["title"][0], pinned=True, width=150 if compact else "medium"
    )
    text = COLUMNS["inclusion_probability"][1]
    if compact:
        config["picked"] = st.column_config.CheckboxColumn("Drawn", width=64)
        config["contribution"] = st.column_config.NumberColumn(
            "Adds", format="%+.3f", help=COLUMNS["contribution"][1], width=76
        )
        config["inclusion_probability"] = st.column_config.NumberColumn(
            "Likely", format="%.0f%%", help=text, width=80
        )
    else:
        label = COLUMNS["inclusion_probability"][0]
        config["inclusion_probability"] = st.column_config.ProgressColumn(
            label, format="%.1f%%", min_value=0.0, max_value=100.0, help=text
        )
    table = frame.assign(**{name: 100 * frame[name] for name in PERCENT})[
        [name for name in columns if name in frame]
    ]
    st.dataframe(
        table,
        column_config=config,
        hide_index=True,
        key=key,
        alt=alt,
        height="content" if compact and len(table) < 20 else 460,
    )
