"""What one may ask of a training run from outside: checked values that become arguments of `python -m dskreg train`, never words of one's own."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from dskreg.config import PRESETS
from dskreg.errors import InputError

DEVICES = ("auto", "cpu", "cuda")
DEMO = "demo"
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
MOST_EPOCHS, MOST_SEED = 10_000, 2**32 - 1


@dataclass(frozen=True)
class Request:
    """What to train on, by the name of a data set that is offered, and how; `out` is the artifact's name."""

    data: str
    out: str
    preset: str = "default"
    epochs: int | None = None  # the preset's
    seed: int = 0
    device: str = "auto"
    replace: bool = False  # an artifact of that name
    baselines: bool = True
    settings: tuple[str, ...] = ()  # NAME=VALUE, as --set takes them

    def __post_init__(self) -> None:
        checks = (
            ("name", "letters, digits, dots, - and _ (64 at most, no dot first)", self.out, isinstance(self.out, str) and NAME.fullmatch(self.out)),
            ("preset", f"one of {', '.join(PRESETS)}", self.preset, isinstance(self.preset, str) and self.preset in PRESETS),
            ("epochs", f"1 to {MOST_EPOCHS}, or nothing", self.epochs, self.epochs is None or _whole(self.epochs, 1, MOST_EPOCHS)),
            ("seed", f"0 to {MOST_SEED}", self.seed, _whole(self.seed, 0, MOST_SEED)),
            ("device", f"one of {', '.join(DEVICES)}", self.device, self.device in DEVICES),
        )
        for name, expected, got, ok in checks:
            if not ok:
                raise InputError(f"{name}: expected {expected} (got {got!r})")

    def command(self, data: Path, artifacts: Path, log: Path, resume: bool) -> list[str]:
        """The command that trains; the data's and the artifact's names are taken inside these two folders."""
        source = DEMO if self.data == DEMO else str(data / self.data)
        words = [sys.executable, "-m", "dskreg", "train", source, "--out", str(artifacts / self.out), "--log", str(log)]
        words += ["--preset", self.preset, "--seed", str(self.seed), "--device", self.device]
        words += [] if self.epochs is None else ["--epochs", str(self.epochs)]
        words += [] if self.baselines else ["--no-baselines"]
        words += [word for setting in self.settings for word in ("--set", setting)]
        return [*words, "--resume"] if resume else words


def _whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
