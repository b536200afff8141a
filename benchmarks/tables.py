"""The tables of benchmarks/README.md and benchmarks/accuracy.json, from the results that
benchmarks/accuracy.py left.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.significance import aligned, compared, holm, interval, over_common_seeds, paired, per_person

BEGIN, END = "<!-- tables: written by benchmarks/accuracy.py --tables -->", "<!-- end of the tables -->"
OURS, WHOLE, K = "DSKReG", "default", 20
COMPARED = ("DSKReG minus it", "p (Holm)")
Results = dict[str, list[dict[str, Any]]]


def read(folder: Path) -> tuple[Results, dict[str, list[Path]]]:
    """(outcomes by model, seed after seed; the files that they came from)."""
    outcomes: Results = {}
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.json")):
        name, _, seed = path.stem.rpartition("-")
        if seed.isdigit():
            outcomes.setdefault(name, []).append(json.loads(path.read_text("utf-8")))
            files.setdefault(name, []).append(path)
    return outcomes, files


def told_apart(files: dict[str, list[Path]], view: str) -> dict[str, dict[str, float]]:
    """How each model differs from ours, person by person, and how sure that is; each part of DSKReG from the
    whole.
    """
    base = OURS if OURS in files else WHOLE
    pairs = {
        name: over_common_seeds(files[base], paths, view)
        for name, paths in files.items()
        if base in files and name != base
    }
    if base == WHOLE:
        return {name: compared(*reversed(aligned(*pair))) for name, pair in pairs.items()}
    tests = {name: paired(*pair) for name, pair in pairs.items()}
    corrected = holm({name: p for name, (_, p) in tests.items()})
    return {name: dict(zip(COMPARED, (tests[name][0], corrected[name]), strict=True)) for name in tests}


def summarised(folder: Path, view: str) -> list[dict[str, Any]]:
    """One row per model, best first."""
    outcomes, files = read(folder)
    apart, rows = told_apart(files, view), []
    for name, seeds in outcomes.items():
        mean = {
            metric: float(np.mean([seed[view][metric] for seed in seeds]))
            for metric in (f"ndcg@{K}", f"recall@{K}", f"coverage@{K}")
        }
        spread = (
            float(np.std([seed[view][f"ndcg@{K}"] for seed in seeds], ddof=1)) if len(seeds) > 1 else None
        )
        people = interval(np.array(list(per_person(files[name], view).values())))
        row = {
            "model": name,
            "seeds": len(seeds),
            **mean,
            "ndcg spread of seeds": spread,
            "ndcg 95 % over people": people,
        }
        for metric in ("ndcg@20 by history", "recall@20 by popularity"):
            columns = [
                [value for value in column if value is not None]
                for column in zip(*(seed[view][metric] for seed in seeds), strict=True)
            ]
            row[metric] = [float(np.mean(column)) if column else None for column in columns]
        rows.append(
            row
            | apart.get(name, {})
            | {"settings": seeds[0]["settings"], "fit seconds": seeds[0]["fit seconds"]}
        )
    return sorted(rows, key=lambda row: -row[f"ndcg@{K}"])


def shown_apart(row: dict[str, Any]) -> list[str]:
    """The cells that compare a row: with ours, or a part with the whole."""
    if "gain" in row:
        return [f"{row['gain']:+.1%} ± {row['within']:.1%}"]
    return (
        [
            f"{row['DSKReG minus it']:+.4f}",
            f"{row['p (Holm)']:.1g}" if row["p (Holm)"] >= 1e-300 else "< 1e-300",
        ]
        if "p (Holm)" in row
        else []
    )


def table(rows: list[dict[str, Any]], parts: bool) -> list[str]:
    """Rows as Markdown; `parts`: of DSKReG, beside the whole."""
    last = ["beside the default"] if parts else list(COMPARED)
    head = ["model", "ndcg@20", "± people", "± seeds", "recall@20", "coverage@20", "seeds", *last]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        name = (
            f"**{row['model']}**"
            if row["model"] in (OURS, WHOLE)
            else row["model"] + (f" (run of {row['apart']})" if "apart" in row else "")
        )
        spread = row["ndcg spread of seeds"]
        cells = [
            name,
            f"{row['ndcg@20']:.4f}",
            f"{row['ndcg 95 % over people']:.4f}",
            "" if spread is None else f"{spread:.4f}",
        ]
        cells += [
            f"{row['recall@20']:.4f}",
            f"{row['coverage@20']:.3f}",
            str(row["seeds"]),
            *(shown_apart(row) or [""] * len(last)),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def fifths(rows: list[dict[str, Any]]) -> list[str]:
    """People by the length of their history, titles by popularity, in fifths."""
    lines = [
        "| model | ndcg@20, people of the shortest to the longest history | recall of test likes, rarest to most liked titles |",
        "|---|---|---|",
    ]
    for row in rows:
        cells = [
            " · ".join("" if value is None else f"{value:.3f}" for value in row[metric])
            for metric in ("ndcg@20 by history", "recall@20 by popularity")
        ]
        lines.append(f"| {row['model']} | {cells[0]} | {cells[1]} |")
    return lines


def joined(
    rows: list[dict[str, Any]], today: str, earlier: list[dict[str, Any]], date: str
) -> list[dict[str, Any]]:
    """Rows of `today` and, of a table of an earlier `date`, those of models that were not run again.

    Models of two runs cannot be tested, since nobody's own figure of the earlier one is there: who was not
    run together with ours is `apart`, with the date.
    """
    again = {row["model"] for row in rows}
    kept = [row for row in earlier if row["model"] not in again]
    if OURS in again:
        kept = [
            {name: value for name, value in row.items() if name not in COMPARED}
            | {"apart": row.get("apart", date)}
            for row in kept
        ]
    elif kept:
        rows = [row | {"apart": today} for row in rows]
    return sorted([*rows, *kept], key=lambda row: -row[f"ndcg@{K}"])


VIEWS = {"": ["test"], "cold": ["among the cold", "among all", "warm"], "share": ["warm", "among the cold"]}
"""What is ranked, by what a work folder's name ends in."""


def summary(work: Path, before: dict[str, Any]) -> dict[str, Any]:
    """The document: what the work folder holds replaces its sections, but for models that were not run again;
    parts of DSKReG are measured beside each other and replaced whole. A section that the folder lacks stays,
    with its date and machine in `made`.
    """
    machine = json.loads((work / "machine.json").read_text("utf-8"))
    now = {"date": datetime.now(UTC).date().isoformat(), "machine": machine}
    sections = {key: rows for key, rows in before.items() if isinstance(rows, list)}
    made = {
        key: before.get("made", {}).get(key, {name: before.get(name) for name in now}) for key in sections
    }
    for folder in sorted(path for path in work.iterdir() if path.is_dir() and any(path.glob("*.json"))):
        kind = folder.name.partition(".")[2]
        for view in VIEWS[kind]:
            key = f"{folder.name}: {view}"
            rows, earlier = summarised(folder, view), [] if kind == "share" else sections.get(key, [])
            sections[key] = joined(rows, now["date"], earlier, made[key]["date"]) if earlier else rows
            again = {row["model"] for row in rows}
            if OURS in again or again >= {row["model"] for row in earlier}:
                made[key] = now
    order = sorted(
        sections,
        key=lambda key: (
            key.partition(": ")[0],
            VIEWS[key.partition(": ")[0].partition(".")[2]].index(key.partition(": ")[2]),
        ),
    )
    return now | {"made": {key: made[key] for key in order}} | {key: sections[key] for key in order}


def by_whom(made: dict[str, Any]) -> str:
    """Date, machine and versions of one section, in a line."""
    machine = made["machine"]
    budget = f"{machine['trials']} trials or {machine['seconds']:g} s per model and data set"
    if machine.get("searched"):
        budget = f"{', '.join(machine['searched'])} by dskreg/evaluation/tuning.py; the others {budget}"
    versions = ", ".join(
        f"{shown} {machine['versions'][name]}"
        for name, shown in (("torch", "torch"), ("numpy", "numpy"), ("python", "Python"))
    )
    return f"{made['date']}, {machine['hardware']}, {versions}; tuning: {budget}."


def write(work: Path, to: Path) -> None:
    """Both files."""
    known = to / "accuracy.json"
    document = summary(work, json.loads(known.read_text("utf-8")) if known.exists() else {})
    lines: list[str] = []
    for key, made in document["made"].items():
        (folder, _, view), rows = key.partition(": "), document[key]
        name, _, kind = folder.partition(".")
        title = {
            "": "full ranking",
            "cold": f"cold titles, {view}",
            "share": f"what does which part, {view}",
        }[kind]
        lines += ["", f"### {name}: {title}", "", by_whom(made), "", *table(rows, parts=kind == "share")]
        if not kind:
            lines += ["", *fifths(rows)]
    known.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    path = to / "README.md"
    path.write_text(replaced(path.read_text("utf-8"), BEGIN, END, lines[1:]), "utf-8")


def replaced(text: str, begin: str, end: str, lines: list[str]) -> str:
    """`text` with `lines` in the place of what stands between its lines `begin` and `end`; at its end, where
    it has no such lines.
    """
    before, found, rest = text.partition(begin + "\n")
    after = rest.partition(end + "\n")[2] if found else ""
    return before + "\n".join([begin, *lines, end]) + "\n" + after
