"""What the command line prints: results on stdout in one of two forms, messages and progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from dskreg.legible import legible


def say(message: str) -> None:
    """One line on stderr, beside a progress bar if there is one."""
    tqdm.write(legible(message), file=sys.stderr)


def progress(steps: Iterator, count: int, label: str) -> Iterator:
    """A progress bar on stderr that leaves no trace."""
    return tqdm(steps, total=count, desc=label, leave=False, file=sys.stderr)


def show(document: dict[str, Any], as_json: bool, text: str) -> None:
    """Print the result in one of its two forms."""
    print(json.dumps(document, ensure_ascii=False, allow_nan=False) if as_json else text)


def table(result: dict[str, Any]) -> str:
    """The metrics of the model and the baselines side by side."""
    columns = {"DSKReG": result["metrics"], **result["baselines"]}
    return f"{result['users']:,} test users\n{pd.DataFrame(columns, dtype=float).round(4).to_string(na_rep='-')}"


def indexed(out: Path, made: dict[str, Any]) -> str:
    """What `index` built, in words."""
    found, took = made["measured"], made["milliseconds"]
    size = f"built in {made['build_seconds']:.1f} s, {made['bytes'] / 1e6:.1f} MB"
    lines = [f"{out}: {made['titles']:,} titles of width {made['width']} for {made['engine']}, {size}"]
    if found["people"]:
        recall, whole, raw = (found[f"{name}@{found['top']}"] for name in ("recall", "recall_exact_search", "recall_without_rescoring"))
        lines.append(f"recall@{found['top']} {recall:.4f} against the exact lists of {found['people']} people")
        lines.append(f"with an engine that misses nothing {whole:.4f}, without re-scoring {raw:.4f}")
        lines.append(f"{took['index']:.2f} ms a list (median), exact {took['exact']:.2f} ms")
    return "\n".join(lines)
