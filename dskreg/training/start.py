"""What the closed-form start chose on validation, as an artifact and a checkpoint keep it (spectral.py)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Kernel:
    """One spectral filter."""

    exponent: float  # p
    ridge: float
    rank: int
    knowledge: bool = False  # append rows for the entities of the knowledge graph to the user-item matrix
    seen: bool = False  # append rows for what each user has seen and not liked
    share: float = 1.0  # of the mixture


@dataclass(frozen=True)
class Start:
    """What was chosen on validation."""

    kernels: tuple[Kernel, ...]
    popularity: float = 0.0  # q: exponent of the item's likes in the length of its vector
    discount: float = 0.0  # h: exponent of the item's likes in its weight within a history
    gates: tuple[float, ...] = ()  # g_r; empty: as the model has them
    user_gate: float | None = None
    least: int = 0  # items with fewer likes are folded into the directions of the others

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and numbers; an infinite ridge is null."""
        document = asdict(self)
        for kernel in document["kernels"]:
            kernel["ridge"] = kernel["ridge"] if math.isfinite(kernel["ridge"]) else None
        return document | {"kernels": list(document["kernels"]), "gates": list(self.gates)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Start:
        """The inverse of `to_json`."""
        kernels = (
            Kernel(**kernel | {"ridge": math.inf if kernel["ridge"] is None else kernel["ridge"]})
            for kernel in document["kernels"]
        )
        return cls(**document | {"kernels": tuple(kernels), "gates": tuple(document["gates"])})
