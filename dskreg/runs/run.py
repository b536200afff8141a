"""A training run as it is read from its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pydantic
from pydantic import TypeAdapter

from dskreg.runs.journal import Moment, Row, RunStatus
from dskreg.runs.request import FORM, Request

State = Literal["running", "finished", "failed", "stopped", "lost"]


@pydantic.dataclasses.dataclass(frozen=True, config=FORM, kw_only=True)
class Asked(Request):
    """A request as request.json holds it."""

    asked: Moment  # seconds since 1970


ASKED = TypeAdapter(Asked)


@dataclass(frozen=True)
class Run:
    """The current state of one run."""

    id: str
    request: Asked
    state: State
    status: RunStatus  # from the journal
    message: str  # the error of a failed run; "" otherwise
    resumable: bool  # it ended early, and no later run has the same name

    @property
    def best(self) -> Row | None:
        """The epoch with the highest validation NDCG so far, among hidden items where they are asked; None
        before the first.
        """
        rows = [row for row in self.status.epochs if row.ndcg is not None]
        asked = any(row.hidden is not None for row in rows)
        return max(rows, key=lambda row: (row.hidden if asked else row.ndcg) or 0.0, default=None)


@dataclass(frozen=True)
class Unreadable:
    """An entry of the runs folder that cannot be read as a run."""

    id: str
    problem: str  # in a sentence
