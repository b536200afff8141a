"""DSKReG: differentiable sampling on a knowledge graph for recommendation, trained, measured and shown.

`from dskreg import DSKReG` gives the model; it is loaded on first use, so that `import dskreg` stays cheap.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["DSKReG", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "DSKReG":
        from dskreg.model.dskreg import DSKReG

        return DSKReG
    raise AttributeError(f"module 'dskreg' has no attribute {name!r}")
