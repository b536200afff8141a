"""The tensors of an artifact's files: type, shape and range, declared once and checked by verify.py.

Sizes go by name: `items` I, `users` U, `strengths` R, `graph relations` R or 1 where there is none,
`candidates` M, `picks` K, `epochs` E, `width` D, `pair features` 1 more than `graph relations`. Torch-free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dskreg.config import ModelConfig


@dataclass(frozen=True)
class Tensor:
    """A tensor: its type, its shape by the names of sizes (or "1"), and the range of its values."""

    kind: Literal["F32", "I32", "I16"]
    shape: tuple[str, ...]
    least: float
    most: float | None = None
    below: str = ""


# Far beyond what training reaches; a score of 1,024 products of four such numbers is still finite in single
# precision
LARGEST_WEIGHT = 1e5
LARGEST_LOG = 20.0
LARGEST_LOGIT = 1e15  # of a sum of products of two weights, over the width

GRAPH = {
    "neighbour": Tensor("I32", ("items", "candidates"), -1, below="items"),
    "relation": Tensor("I16", ("items", "candidates"), 0, below="graph relations"),
    "strengths": Tensor("F32", ("items", "candidates", "strengths"), 0, 1e6),
}
PICKS = {
    "neighbour": Tensor("I32", ("items", "picks"), -1, below="items"),
    "relation": Tensor("I16", ("items", "picks"), 0, below="graph relations"),
    "weight": Tensor("F32", ("items", "picks"), 0, LARGEST_WEIGHT),
}


def weights(model: ModelConfig) -> dict[str, Tensor]:
    """The parameters of `DSKReG` (dskreg/model/dskreg.py) with these settings; a test holds the two
    together.
    """

    def weight(*shape: str, most: float = LARGEST_WEIGHT) -> Tensor:
        return Tensor("F32", shape, -most, most)

    found = {"item_embedding": weight("items", "width")}
    if model.form == "evidence":
        return found | {
            "pair_relevance": weight("pair features"),
            "log_scale": weight("1", most=LARGEST_LOG),
            "likes": Tensor("F32", ("items",), 0, 2.0**53),
            "history_weight": weight("items"),
            "prior": weight("width"),
            "evidence": Tensor("F32", ("3",), 0, 1e12),
        }
    towers = {
        f"{side}_tower.{part}": weight(*shape)
        for side in ("user", "item")
        for part, shape in (("weight", ("width", "width")), ("bias", ("width",)))
    }
    return (
        found
        | towers
        | {
            "user_embedding": weight("users", "width"),
            "relation_embedding": weight("graph relations", "width"),
            "relevance_item": weight("width"),
            "relevance_relation": weight("width"),
        }
    )


def snapshots(model: ModelConfig) -> dict[str, Tensor]:
    """What the logits of all items follow from at the epochs that an artifact keeps (snapshots.py)."""
    kept = {
        "epoch": Tensor("I32", ("epochs",), 0, 2**31 - 1),
        "entropy": Tensor("F32", ("epochs",), 0, 1 + 1e-5),
    }
    if model.form == "evidence":
        shape = ("epochs", "pair features")
        return kept | {"pair_relevance": Tensor("F32", shape, -LARGEST_WEIGHT, LARGEST_WEIGHT)}
    return kept | {
        name: Tensor("F32", ("epochs", size), -LARGEST_LOGIT, LARGEST_LOGIT)
        for name, size in (("item_logit", "items"), ("relation_logit", "graph relations"))
    }
