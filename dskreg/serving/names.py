"""An artifact's names as text that can be shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from dskreg.storage.artifact import Artifact
from dskreg.text import legible


def named_legibly(artifact: Artifact) -> Artifact:
    """The artifact with every name in it as text (dskreg/text.py). Ids stay what they are."""
    data, graph = artifact.dataset, artifact.graph
    names = {old: legible(old) for old in dict.fromkeys([*data.relations, *graph.relations])}
    if len(set(names.values())) < len(names):  # two relations must not become one
        names = {old: old for old in names}
    texts = {
        name: column
        for name, column in data.items.items()
        if name != "item_id" and not pd.api.types.is_numeric_dtype(column)
    }
    items = data.items.assign(
        **{
            str(name): [legible(cell) if isinstance(cell, str) else cell for cell in column]
            for name, column in texts.items()
        }
    )
    entities = np.array([legible(str(label)) for label in data.entities], dtype=object)
    dataset = replace(
        data,
        name=legible(data.name),
        items=items,
        entities=entities,
        relations=tuple(names[name] for name in data.relations),
        notes=tuple(legible(note) for note in data.notes),
    )
    return replace(
        artifact,
        dataset=dataset,
        graph=replace(graph, relations=tuple(names[name] for name in graph.relations)),
    )
