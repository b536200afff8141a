"""A request for a training run: checked values that become the arguments of `dskreg train`.

No text of a user reaches the command line unchecked.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from dskreg.config import PRESETS
from dskreg.documents import first_fault
from dskreg.errors import InputError

Device = Literal["auto", "cpu", "cuda"]
DEVICES = get_args(Device)
DEMO = "demo"
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
MOST_EPOCHS, MOST_SEED = 10_000, 2**32 - 1
FORM = ConfigDict(strict=True, extra="forbid")


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError("expected letters, digits, dots, - and _ (64 at most, no dot first)")
    return text


def _preset(text: str) -> str:
    offered = [name for name in PRESETS if name != DEMO]
    if text not in offered:
        raise ValueError(f"expected one of {', '.join(offered)}")
    return text


@dataclass(frozen=True, config=FORM)
class Request:
    """The data set, by name, and the settings of a training run; `out` is the name of the artifact."""

    data: Annotated[str, Field(max_length=255)]
    out: Annotated[str, AfterValidator(_name)]
    preset: Annotated[str, AfterValidator(_preset)] = "default"
    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS)] | None = None  # None: the preset's
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] = 0
    device: Device = "auto"
    replace: bool = False  # an existing artifact of that name
    baselines: bool = True
    # NAME=VALUE, as --set takes them
    settings: Annotated[tuple[Annotated[str, Field(max_length=1000)], ...], Field(max_length=100)] = ()

    @classmethod
    def of(cls, **fields: Any) -> Request:
        """The request with these fields.

        Raises:
            InputError: A field is wrong; the message names it.
        """
        try:
            return cls(**fields)
        except ValidationError as error:
            field, wrong = first_fault(error)
            raise InputError(f"{'name' if field == 'out' else field}: {wrong}") from None

    def command(self, data: Path, artifacts: Path, log: Path, resume: bool) -> list[str]:
        """The training command; data set and artifact are looked up by name in these two folders."""
        source = DEMO if self.data == DEMO else str(data / self.data)
        words = [
            sys.executable,
            "-m",
            "dskreg",
            "train",
            source,
            "--out",
            str(artifacts / self.out),
            "--log",
            str(log),
        ]
        # The default is the command line's, which depends on the data
        words += [] if self.preset == "default" else ["--preset", self.preset]
        words += ["--seed", str(self.seed), "--device", self.device]
        words += [] if self.epochs is None else ["--epochs", str(self.epochs)]
        words += [] if self.baselines else ["--no-baselines"]
        words += [word for setting in self.settings for word in ("--set", setting)]
        return [*words, "--resume"] if resume else words
