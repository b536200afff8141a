"""A split of the owner's in plain tables: `train.csv`, `valid.csv` and `test.csv`, of any ending and with any
name around these words.
"""

from __future__ import annotations

from collections.abc import Mapping

from dskreg.data import own_split
from dskreg.data.dataset import TEST, TRAIN, VALIDATION
from dskreg.data.readers.plain.columns import listed
from dskreg.data.readers.plain.settings import FILE, Settings
from dskreg.errors import InputError

KEYS = {VALIDATION: "validation", TEST: "test"}
"""The keys of `dataset.toml` that name the parts beside training, which is `interactions`."""


def split_set(
    roles: Mapping[str, Mapping[str, str]], columns: Mapping[str, tuple[str, ...]], settings: Settings
) -> tuple[dict[str, int], dict[str, str]]:
    """The tables of a split set with their folds, training first, or nothing; and tables called like a part
    that are none, with the reason.

    Args:
        roles: By table, the column of each role of interactions.
        columns: By table, all columns.
        settings: May name the parts, or none with "".

    Raises:
        InputError: A part that `dataset.toml` names lacks a column of the training table.
    """
    named = {fold: getattr(settings, key) for fold, key in KEYS.items()}
    complete = [name for name, found in roles.items() if {"user", "item"} <= set(found)]
    found = own_split.parts(complete)
    training = settings.interactions or found.get(TRAIN)
    if training is None or training not in roles:
        for fold, key in KEYS.items():
            if named[fold]:
                raise InputError(f"{FILE}: {key}: name the table of training too, as interactions")
        return {}, {}
    if found.get(TRAIN) != training:
        found = {}
    found = {TRAIN: training} | {
        fold: name for fold in KEYS if (name := found.get(fold) if named[fold] is None else named[fold])
    }
    reasons = {}
    wanted = [roles[training][role] for role in ("user", "item", "rating") if role in roles[training]]
    for fold, key in KEYS.items():
        if fold in found and not set(wanted) <= set(columns[found[fold]]):
            lacking = listed(name for name in wanted if name not in columns[found[fold]])
            reason = f"no part of the split, it lacks {lacking} of {training}"
            if named[fold]:
                raise InputError(f"{FILE}: {key}: {found[fold]} is {reason}")
            reasons[found.pop(fold)] = reason
    return (own_split.folds(found) if len(found) > 1 else {}), reasons
