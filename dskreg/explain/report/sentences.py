"""What the app and a notebook say of an explanation; Markdown without a name from the data in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dskreg.explain.report.terms import SMALLEST as SMALLEST
from dskreg.text import percent, signed

if TYPE_CHECKING:
    from dskreg.explain.explanation import Explanation

TELLS, HARDLY = 0.2, 0.05  # Cohen's kappa: from here "tells"; below "cannot tell"
NO_CANDIDATES = (
    "The item has no neighbours in the knowledge graph. Its score comes from its own embedding alone."
)
NO_RELATIONS = (
    "No relations in this data connect items: no neighbours are sampled, and a score comes from the own "
    "embedding alone."
)
NO_EMBEDDING = "Nobody has liked this item in training: it has no embedding of its own."
NO_LIKES = "The user has no likes, so no liked item contributes."


def summary(frame: pd.DataFrame, what: str, random: bool) -> str:
    """How many candidates are sampled, and by which rule; Markdown."""
    sampled = int(frame["picked"].sum())
    if sampled == len(frame) == 1:
        return "The model samples the only candidate."
    if sampled == len(frame):
        return f"The model samples all **{len(frame)}** {what}, since there are no more than K."
    rule = "" if random else ", those with the largest logits"
    return f"The model samples **{sampled}** of **{len(frame)}** {what}{rule}."


def sharpness(explanation: Explanation) -> str:
    """How far the sampler's choice is from a uniform draw, in one line of Markdown."""
    count, agreement = len(explanation.item_neighbours), explanation.agreement
    if agreement is None:
        return ""
    verdict = "tells candidates from uniform"
    if agreement < TELLS:
        verdict = f"{'cannot' if agreement < HARDLY else 'can hardly'} tell candidates from uniform"
    return (
        f"Effective candidates **{explanation.effective_candidates:.1f}** of {count} · expected "
        f"overlap of two samples **{explanation.expected_overlap:.1f}** of {explanation.picks} (uniform "
        f"{explanation.uniform_overlap:.1f}) · **{verdict}** (κ = {agreement:.2f})"
    )


def parts(explanation: Explanation) -> str:
    """How much of the score is the item's own embedding and how much its neighbours; Markdown."""
    own, around = explanation.self_contribution, explanation.neighbour_contribution
    words = [("own embedding", own), ("sampled neighbours", around)]
    words += [("bias", explanation.bias)] * bool(explanation.bias)
    total = explanation.pre_activation_score
    if explanation.basis == "popularity":
        return ""
    whole = f"Score **{explanation.score:.3f}**"
    if explanation.activation != "linear":
        whole += f" = {explanation.activation}(**{total:.3f}**)"
    if total <= SMALLEST:  # parts of a negative whole have no share
        return f"{whole}: {', '.join(f'{name} **{signed(value)}**' for name, value in words)}."
    told = (f"{name} **{percent(value / total)}** ({signed(value)})" for name, value in words)
    return f"{whole}: {', '.join(told)}."
