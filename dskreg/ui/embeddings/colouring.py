"""What colours the points of a map: their groups, and the colour and shape of each group.

Any two groups of a map differ in colour or shape: consecutive ones differ in both, and only after 35 groups
do pairs repeat.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dskreg.explorer import Explorer
from dskreg.ui.common import cache
from dskreg.ui.common.charts import COLOURS, OTHER, OTHER_NAME, WARM_TO_COLD
from dskreg.ui.common.entities import known_entities
from dskreg.ui.embeddings.scatter import Glyph

GENRE, ENTITY, CLUSTER = "rarest genre", "entity", "cluster"
QUANTITIES = {  # colour or size: (column of the points, unit, digits)
    "popularity": ("likes", "likes", 0),
    "activity": ("liked", "likes", 0),
    "degree": ("degree", "paths", 0),
    "rarity": ("rarity", "bits", 1),
}
COLUMNS = {GENRE: "rarest"}  # of the points, where it is not named like the colouring
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down")
MOST_GROUPS = 20  # the other points are grey
SEVERAL = "several of these"


def groups_of(
    explorer: Explorer, frame: pd.DataFrame, by: str, kind: str, codes: Sequence[str] = ()
) -> pd.Series:
    """The group of each point: an ordered category. `codes` are the entities (`relation:name`) to colour."""
    if by == ENTITY:
        return _carried(explorer, frame, codes)
    if by in QUANTITIES:
        column, unit, digits = QUANTITIES[by]
        return bands(frame[column].round(digits), unit, digits)
    if by == CLUSTER:
        names = names_of(explorer, kind)
        cluster = frame["cluster"].map(names).fillna(OTHER_NAME)
        return _category(cluster, [*names.values(), OTHER_NAME])
    return leading(frame[COLUMNS.get(by, by)])


def names_of(explorer: Explorer, kind: str) -> dict[int, str]:
    """The name of each cluster: its number and its over-represented genres."""
    regions = cache.ask(explorer, "maps.regions", kind)
    return {
        int(number): f"{int(number) + 1}. {text or 'mixed'}"
        for number, text in zip(regions["cluster"], regions["label"], strict=True)
    }


def _carried(explorer: Explorer, frame: pd.DataFrame, codes: Sequence[str]) -> pd.Series:
    """The entity that each title carries, SEVERAL for more than one, OTHER_NAME for none."""
    group = pd.Series(OTHER_NAME, index=frame.index, dtype=object)
    names: list[str] = []
    known = known_entities(explorer)
    for code in codes:
        relation, entity, _ = known[code]
        carriers = cache.ask(explorer, "maps.carriers", relation, entity)
        names.append(f"{entity} ({relation})")
        carries = frame["item_id"].isin(carriers)
        group[carries & (group != OTHER_NAME)] = SEVERAL
        group[carries & (group == OTHER_NAME)] = names[-1]
    return _category(group, [*dict.fromkeys(names), SEVERAL, OTHER_NAME])


def glyphs_of(groups: pd.Series, by: str) -> dict[str, Glyph]:
    """The colour and shape of each group; the order of the categories decides."""
    names = [str(name) for name in groups.cat.categories]
    if by in QUANTITIES:
        return {name: Glyph(colour, "circle") for name, colour in zip(names, WARM_TO_COLD, strict=False)}
    return {
        name: Glyph(OTHER, "circle")
        if name == OTHER_NAME
        else Glyph(COLOURS[n % len(COLOURS)], SHAPES[n % len(SHAPES)])
        for n, name in enumerate(names)
    }


def sizes_of(frame: pd.DataFrame, by: str) -> pd.Series | None:
    """The size of each point in pixels; None where all have the same."""
    if by not in QUANTITIES:
        return None
    return sized(frame[QUANTITIES[by][0]], smallest=3 if len(frame) > 4000 else 4)


def sized(values: pd.Series, smallest: float = 4, largest: float = 20) -> pd.Series:
    """Sizes in pixels, where a point's area grows with its value."""
    top = values.max() if len(values) else 0
    share = values.clip(lower=0) / top if top > 0 else pd.Series(0.0, index=values.index)
    return smallest + (largest - smallest) * share.astype(float) ** 0.5


def leading(values: pd.Series, most: int = MOST_GROUPS) -> pd.Series:
    """The most frequent values, with all others as "other": an ordered category, most frequent first."""
    text = values.fillna("").astype(str)
    names = list(text[text != ""].value_counts().head(most).index)
    return _category(text.where(text.isin(names), OTHER_NAME), [*names, OTHER_NAME])


def bands(values: pd.Series, unit: str, digits: int = 0) -> pd.Series:
    """Numbers as at most five bands, named by their limits: an ordered category, largest first."""
    band = (
        pd.qcut(values, len(WARM_TO_COLD), labels=False, duplicates="drop").fillna(0)
        if values.nunique() > 1
        else values * 0
    )
    limits = {
        number: dict.fromkeys(f"{limit:,.{digits}f}" for limit in (group.min(), group.max()))
        for number, group in values.groupby(band)
    }
    names = {number: f"{' to '.join(pair)} {unit}" for number, pair in limits.items()}
    order = list(dict.fromkeys(names[number] for number in sorted(names, reverse=True)))
    return _category(pd.Series(band, index=values.index).map(names), order)


def _category(values: pd.Series, names: Sequence[str]) -> pd.Series:
    return pd.Series(pd.Categorical(values, categories=list(names), ordered=True), index=values.index)


def present(groups: pd.Series) -> list[str]:
    """The groups that have a point, in their order, without "other"."""
    there = set(groups.dropna().unique())
    return [str(name) for name in groups.cat.categories if name in there and name != OTHER_NAME]
