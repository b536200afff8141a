"""The points of a map, their groups and the traces that draw them. All sessions share them: nobody may change
them.
"""

from typing import Any

import pandas as pd

from dskreg.explorer import Explorer
from dskreg.ui.common import cache
from dskreg.ui.embeddings import colouring, scatter
from dskreg.ui.embeddings.scatter import Look
from dskreg.ui.embeddings.selected import ID, TITLES


def points(explorer: Explorer, kind: str, space: str, method: str) -> pd.DataFrame:
    """The map's points, with the column `label`, and `degree` for titles."""
    frame: pd.DataFrame = cache.make_once(_points, explorer, kind, space, method)
    return frame


def _points(explorer: Explorer, kind: str, space: str, method: str) -> pd.DataFrame:
    if kind == TITLES:
        frame = cache.ask(explorer, "maps.titles", space, method)
        frame["label"] = frame["title"]
        frame["degree"] = frame["item_id"].map(explorer.degrees.set_index("item_id")["paths"])
    else:
        frame = cache.ask(explorer, "maps.users", method)
        frame["label"] = "user " + frame["user_id"].astype(str)
    return frame.dropna(subset=["x", "y"]).reset_index(drop=True)


def groups(
    explorer: Explorer, kind: str, space: str, method: str, colour: str, codes: tuple[str, ...]
) -> pd.Series:
    """The group of each point (colouring.groups_of)."""
    found: pd.Series = cache.make_once(_groups, explorer, kind, space, method, colour, codes)
    return found


def _groups(
    explorer: Explorer, kind: str, space: str, method: str, colour: str, codes: tuple[str, ...]
) -> pd.Series:
    return colouring.groups_of(explorer, points(explorer, kind, space, method), colour, kind, codes)


def traces(
    explorer: Explorer,
    shown: tuple[str, str, str],
    coloured: tuple[str, tuple[str, ...]],
    size: str,
    lit: tuple[str, ...] | None,
    drag: str,
) -> list[dict[str, Any]]:
    """The traces of all points while none is selected.

    Args:
        shown: kind, space and method.
        coloured: the colouring and the codes of its entities.
        size, lit, drag: as in View and Look.
    """
    found: list[dict[str, Any]] = cache.make_once(_traces, explorer, shown, coloured, size, lit, drag)
    return found


def _traces(
    explorer: Explorer,
    shown: tuple[str, str, str],
    coloured: tuple[str, tuple[str, ...]],
    size: str,
    lit: tuple[str, ...] | None,
    drag: str,
) -> list[dict[str, Any]]:
    frame, group = points(explorer, *shown), groups(explorer, *shown, *coloured)
    glyphs, sizes = colouring.glyphs_of(group, coloured[0]), colouring.sizes_of(frame, size)
    return scatter.cloud(frame, ID[shown[0]], "label", group, glyphs, Look(lit=lit, drag=drag), sizes)
