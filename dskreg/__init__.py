"""DSKReG: differentiable sampling on a knowledge graph for recommendation, trained, measured and shown.

    from dskreg import load
    explorer = load("demo")

`load` opens an artifact as an `Explorer`; `DSKReG` is the model itself. Each is imported on first use, so
`import dskreg` stays cheap. For PyTorch Geometric, `dskreg.model.pyg.PreferenceConv` is the layer, and
`dskreg.graph.pyg.to_hetero_data` gives the data as `HeteroData`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from dskreg.explorer import Explorer
    from dskreg.model.dskreg import DSKReG

__version__ = "0.1.0"
__all__ = ["DSKReG", "Explorer", "__version__", "load"]


def load(artifact: str | Path) -> Explorer:
    """Open an artifact: recommendations, explanations and statistics of a trained model.

    Args:
        artifact: The artifact's folder, or its name alone. A name is looked for in the artifacts folder
            ($DSKREG_ARTIFACTS, else `artifacts` in the current folder), then among the bundled ones ("demo").

    Raises:
        InputError: The artifact is missing, incomplete, altered or of another version.
    """
    from dskreg.explorer import Explorer
    from dskreg.storage.places import find

    return Explorer.open(find(artifact))


def __getattr__(name: str) -> Any:
    if name == "DSKReG":
        from dskreg.model.dskreg import DSKReG

        return DSKReG
    if name == "Explorer":
        from dskreg.explorer import Explorer

        return Explorer
    raise AttributeError(f"module 'dskreg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
