"""A split that data bring with them: files called train, valid and test, kept as the folds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dskreg.data.dataset import TEST, TRAIN, UNASSIGNED, VALIDATION

NAMES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("valid", "validation", "val", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}
"""What the parts are called, and their folds."""
_PART = re.compile(rf"(?:(.*)[._-])?({'|'.join(NAMES)})(?:[._-](.*))?", re.IGNORECASE | re.DOTALL)


def parts(names: Iterable[str]) -> dict[int, str]:
    """The files of a split set, such as ml.train.inter and ml.test.inter, by fold; nothing where no set has a
    training file and another part, or several sets have.
    """
    found: dict[tuple[str, str], dict[int, str]] = {}
    for name in names:
        if match := _part(name):
            before, part, after = match.groups(default="")
            found.setdefault((before, after), {}).setdefault(NAMES[part.casefold()], name)
    sets = [files for files in found.values() if TRAIN in files and len(files) > 1]
    return sets[0] if len(sets) == 1 else {}


def folds(parts: Mapping[int, str]) -> dict[str, int]:
    """The fold of each part's interactions, training first, whose pairs are kept where several have them.

    Without a part of validation the fold of training is UNASSIGNED: validation is then dealt out of it.
    """
    training = TRAIN if VALIDATION in parts else UNASSIGNED
    return {
        parts[fold]: training if fold == TRAIN else fold
        for fold in (TRAIN, VALIDATION, TEST)
        if fold in parts
    }


def base(name: str) -> str:
    """What the names of the parts have in common: `ml` of `ml.train.inter`, "" of `train.csv`."""
    match = _part(name)
    return "" if match is None else ".".join(filter(None, (match[1], match[3])))


def _part(name: str) -> re.Match[str] | None:
    return _PART.fullmatch(name.rpartition(".")[0])
