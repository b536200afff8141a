"""What the command line prints: results on stdout in one of two forms, messages and progress on stderr."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from tqdm import tqdm

from dskreg.errors import InputError
from dskreg.text import NOTHING, legible, many, number, percent, signed_percent

EVERY = 30.0  # seconds between two lines of progress where there is no terminal

Step = TypeVar("Step")


def prepare() -> None:
    """Escape characters that a stream cannot encode, and ignore a closed stderr.

    Raises:
        InputError: There is no stdout.
    """
    # Where a stream is closed, the next file would take its descriptor
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(spare)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.stdout is None:
        raise InputError("stdout: expected a place for the result (got a closed stream)")


def say(message: str) -> None:
    """Print one line on stderr, above a progress bar; a stderr that cannot be written is ignored."""
    with suppress(OSError):
        tqdm.write(legible(message), file=sys.stderr)


def say_left_out(adult: int, does: str) -> None:
    """How many adult items are left out, and what --adult does with them."""
    say(f"{many(adult, 'item')} of adult genres left out; --adult {does} them")


def progress(
    steps: Iterator[Step],
    count: int,
    label: str,
    size: Callable[[Step], int] = lambda step: 1,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Step]:
    """The steps, with a progress bar on stderr; a line every EVERY seconds where that is no terminal.

    Args:
        steps: The steps to count.
        count: The sum of their sizes.
        label: The name of the work.
        size: The size of a step.
        clock: Seconds.
    """
    done, told = 0, clock()
    with tqdm(total=count, desc=label, leave=False, file=sys.stderr, disable=None) as bar:
        for step in steps:
            yield step
            done += size(step)
            bar.update(size(step))
            if bar.disable and clock() - told >= EVERY:
                told = clock()
                say(f"{label}: {done:,} of {count:,}")


Progress = Callable[[Iterator, int, str], Iterator]
"""(the steps, how many, what they are) -> the same steps, shown as they are taken."""


def silent(steps: Iterator, count: int, label: str) -> Iterator:
    """A `Progress` that shows nothing."""
    return steps


@contextmanager
def stepwise(progress: Progress, count: int, label: str) -> Iterator[Callable[[], object]]:
    """`step`, to be called at most `count` times, more calls show nothing; what is left at the end is passed
    over.
    """
    steps = progress(iter(range(count)), count, label)
    steps = iter(steps)
    yield lambda: next(steps, None)
    deque(steps, maxlen=0)


def show(document: dict[str, Any], as_json: bool, text: str) -> None:
    """Print the result in one of its two forms."""
    tell(written(document) if as_json else text)


def tell(text: str) -> None:
    """Print a result on stdout and flush it, so that a full disk raises here and not at exit.

    Raises:
        InputError: The result cannot be written.
        SystemExit: 0, where the reader has closed the pipe, as `head` does.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise SystemExit(0) from None
    except OSError as error:
        raise InputError(f"stdout: cannot be written ({error.strerror or error})") from None


def settle() -> None:
    """Discard what the streams could not write: at exit it would become a traceback."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def written(document: dict[str, Any]) -> str:
    """The document as JSON; characters that stdout lacks are escaped as JSON does it."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(document, allow_nan=False)
    return text


def table(result: dict[str, Any]) -> str:
    """The metrics of the model and the baselines side by side."""
    columns = {"DSKReG": result["metrics"], **result["baselines"]}
    shown = pd.DataFrame(columns, dtype=float).round(4).to_string(na_rep=NOTHING)
    return f"{result['users']:,} test users\n{shown}"


def reset_rows(rows: list[dict[str, Any]]) -> str:
    """The rows of dskreg/evaluation/resets.py as a table: NDCG@20, its change and 95 % interval."""

    def cell(found: dict[str, Any] | None) -> list[str]:
        if found is None or found["ndcg"] is None:
            return [NOTHING, NOTHING]
        return [number(found["ndcg"], 4), signed_percent(found["change"], found["within"])]

    groups = ("all", "rare", "cold")
    lines = {row["part"]: [text for name in groups for text in cell(row.get(name))] for row in rows}
    columns = [text for name in groups for text in (name, "change")]
    return pd.DataFrame.from_dict(lines, orient="index", columns=columns).to_string()


def indexed(out: Path, made: dict[str, Any]) -> str:
    """The report of `dskreg index`."""
    found, took = made["measured"], made["milliseconds"]
    size = f"built in {made['build_seconds']:.1f} s, {made['bytes'] / 1e6:.1f} MB"
    lines = [f"{out}: {made['titles']:,} items of width {made['width']} for {made['engine']}, {size}"]
    if found["people"]:
        recall, whole, raw = (
            found[f"{name}@{found['top']}"]
            for name in ("recall", "recall_exact_search", "recall_without_rescoring")
        )
        lines.append(f"recall@{found['top']} {recall:.4f} against the exact lists of {found['people']} users")
        lines.append(f"with exact search {whole:.4f}, without re-scoring {raw:.4f}")
        lines.append(f"{took['index']:.2f} ms a list (median), exact {took['exact']:.2f} ms")
    return "\n".join(lines)


def listing(heading: str, items: list[dict[str, Any]]) -> str:
    """A list of recommendations, each with its reason on a line of its own."""
    lines = [
        f"{row['rank']:>3}  {row['score']:8.4f}  {row['title']}  [{row['item_id']}]\n     {row['reason']}"
        for row in items
    ]
    return "\n".join([heading, *lines])


def explained(found: Any, note: str = "") -> str:
    """An Explanation: how the score is made up, a note, and the sampled neighbours of both sides."""
    terms = {
        "own embedding": found.self_contribution,
        "neighbours": found.neighbour_contribution,
        "bias": found.bias,
    }
    whole = found.pre_activation_score
    linear = found.activation == "linear"
    shown = {name: value for name, value in terms.items() if value or name != "bias"}
    parts = [
        f"{found.title}: score {found.score:.4f}"
        + ("" if linear else f", before the activation ({found.activation}) {whole:.4f}"),
        *(
            f"  {name:13} {value:8.4f}" + (f"  {percent(value / whole):>7}" if whole else "")
            for name, value in shown.items()
        ),
    ]
    if note:
        parts.append(note)
    columns = ["title", "relation", "via", "key", "inclusion_probability", "attention", "contribution"]
    sides = {"item's neighbours": found.item_neighbours, "user's liked items": found.user_neighbours}
    for name, frame in sides.items():
        sampled = frame[frame["picked"]]
        rows = sampled[columns].to_string(index=False) if len(sampled) else "(none)"
        parts.append(f"\n{name}: {len(sampled)} of {len(frame)} sampled\n{rows}")
    return "\n".join(parts)
