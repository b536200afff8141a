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
    knowledge: bool = False  # do entities of the knowledge graph count as people?
    seen: bool = False  # do lists of what was seen and not liked count as further people?
    share: float = 1.0  # of the mixture


@dataclass(frozen=True)
class Start:
    """What was chosen on validation."""

    kernels: tuple[Kernel, ...]
    popularity: float = 0.0  # q: how much longer the vectors of much liked titles are
    discount: float = 0.0  # h: how much less a much liked title says of who likes it
    gates: tuple[float, ...] = ()  # g_r; empty: as the model has them
    user_gate: float | None = None
    least: int = 0  # titles with fewer likes shape no direction: they are folded in

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
