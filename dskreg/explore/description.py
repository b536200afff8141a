"""What an artifact holds, how it was made and what was measured, as plain documents."""

from __future__ import annotations

from typing import Any

from dskreg.serving.directory import to_python
from dskreg.serving.trained import TrainedModel

SHOWN_IDS = 1000  # of users


def info(core: TrainedModel) -> dict[str, Any]:
    """`Explorer.info`."""
    artifact = core.artifact
    assert artifact.manifest is not None
    data = artifact.dataset
    return {
        "name": core.path.name,
        "dataset": data.name,
        "users": len(data.user_ids),
        "user_ids": [to_python(u) for u in data.user_ids[:SHOWN_IDS]],
        "items": len(data.items),
        "interactions": len(data.user),
        "likes": int(data.liked.sum()),
        "relations": list(core.graph.relations),
        "notes": list(data.notes),
        "config": artifact.config.to_json(),
        **artifact.run,
        "files": artifact.manifest["files"],
        "content": str(artifact.manifest["content"]),
        "valid": True,
    }


def metrics(core: TrainedModel) -> dict[str, Any]:
    """`Explorer.metrics`."""
    measured = core.artifact.metrics
    found = {key: measured[key] for key in ("users", "metrics", "baselines")}
    later = {key: measured.get(key) for key in ("best_epoch", "start", "evidence", "resets")}
    settings = measured.get("baseline_settings", {})
    return found | later | {"baseline_settings": settings, "refit": core.artifact.config.train.refit}
