"""A training run from the data's folder to the artifact, and an artifact's evaluation.

What the command line does; the app never does.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dskreg.config import Config
from dskreg.console import Progress, silent
from dskreg.data.dataset import TEST, TRAIN, VALIDATION, Dataset
from dskreg.data.readers.load import Given, load
from dskreg.data.split import split
from dskreg.embedding.maps import maps
from dskreg.errors import InputError
from dskreg.evaluation.baselines import MADE, Baseline
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.ranking import Scorer, model_scorer, noise_free, picks_of
from dskreg.evaluation.resets import resets
from dskreg.evaluation.tuning import tuned
from dskreg.graph.candidates import build
from dskreg.model.dskreg import DSKReG
from dskreg.model.snapshots import sampler_state
from dskreg.storage import artifact as artifacts
from dskreg.storage import folders
from dskreg.storage.snapshots import Snapshots
from dskreg.text import many
from dskreg.training import distributed
from dskreg.training.checkpoint import Checkpoint
from dskreg.training.trainer import Diverged, Epoch, choose_device, refit, train

Say = Callable[[str], object]
PACKAGES = (
    "dskreg",
    "torch",
    "torch-geometric",
    "numpy",
    "scipy",
    "pandas",
    "openTSNE",
    "scikit-learn",
    "streamlit",
    "safetensors",
    "pyarrow",
)


def run(
    source: Given,
    out: Path,
    config: Config,
    resume: bool,
    baselines: bool,
    say: Say,
    progress: Progress,
    report: Callable[[Epoch], object],
    columns: str | None = None,
) -> artifacts.Artifact | None:
    """Prepare, train, evaluate, project and save; `say` gets one line per stage, `report` every epoch.

    `columns`: the roles of columns of plain tables (dskreg/data/readers/plain/columns.py).

    Of several processes (distributed.py) the first reports, tests and saves; the others train and return
    None. Raises InputError and then leaves `out` as it was.
    """
    if distributed.leads():
        writable(out)
        with folders.alone(out, "another training run"):
            return _run(source, out, config, resume, baselines, say, progress, report, columns)
    return _run(
        source, out, config, resume, baselines, lambda line: None, silent, lambda epoch: None, columns
    )


def _run(
    source: Given,
    out: Path,
    config: Config,
    resume: bool,
    baselines: bool,
    say: Say,
    progress: Progress,
    report: Callable[[Epoch], object],
    columns: str | None = None,
) -> artifacts.Artifact | None:
    began = time.perf_counter()
    device = choose_device(config.train.device)
    folder, again = (out.with_name(f".{out.name}.{phase}") for phase in ("training", "refit"))
    first, second = (Snapshots(out.with_name(f"{state.name}-snapshots")) for state in (folder, again))
    if not resume and distributed.leads():
        Checkpoint(again, config, device).clear()  # of a run that came to this point with other settings
        first.clear()
        second.clear()

    def keep(snapshots: Snapshots, epoch: Epoch, model: DSKReG) -> None:
        if distributed.leads():
            snapshots.keep(epoch.epoch, epoch.entropy, sampler_state(model))

    def reported(epoch: Epoch, model: DSKReG) -> None:
        keep(first, epoch, model)
        report(epoch)

    data = split(load(source, config.data, columns), config.data)
    data = replace(data, notes=(*data.notes, *undefined(data)))
    for note in data.notes:
        say(f"note: {note}")
    folds = np.bincount(data.fold, minlength=5)
    say(f"{data.name}: {len(data.user_ids):,} users, {len(data.items):,} items")
    say(
        f"likes: {folds[TRAIN]:,} for training, {folds[VALIDATION]:,} for validation, {folds[TEST]:,} for "
        "the test"
    )
    graph = build(data, config.graph, config.seed)
    under = ", ".join(graph.relations) or "no relation"
    say(f"graph: {int((graph.neighbour >= 0).sum()):,} candidates under {under}")
    several = f" in {distributed.part().size} processes" if distributed.part().size > 1 else ""
    say(f"training {config.preset!r} on {device}{several}")
    try:
        trained = train(data, graph, config, folder, resume, reported, progress)
    except Diverged as error:
        kept = (
            f", or keep the best epoch before it with --epochs {error.last} --resume"
            if error.last >= 0
            else ""
        )
        raise InputError(f"{error}{kept}") from None
    final = trained
    if config.train.refit:
        say(f"best epoch {trained.best_epoch}; once more with the validation likes")
        try:
            graph, final = refit(data, config, trained, again, resume, partial(keep, second), progress)
        except Diverged as error:
            raise InputError(
                f"with the validation likes, {error}, or keep the model without them with --set "
                "train.refit=false --resume"
            ) from None
    if not distributed.leads():
        return None
    model = final.model.to("cpu")
    say(f"best epoch {trained.best_epoch}; testing")
    metrics = measure(model, data, baselines, say)
    parts = resets(model, data.folds, config.seed)
    made = maps(model, data, config, say)
    history = [asdict(e) for e in trained.history]
    # Wall-clock belongs to the run's record
    steps, checks = ([e.pop(name) for e in history] for name in ("seconds", "evaluation_seconds"))
    artifact = artifacts.Artifact(
        picks=picks_of(noise_free(model)),
        config=config,
        dataset=data,
        graph=graph,
        weights={name: value.numpy() for name, value in model.state_dict().items()},
        item_map=made.titles,
        user_map=made.users,
        metrics=metrics
        | {
            "maps": made.quality,
            "best_epoch": trained.best_epoch,
            "start": trained.start.to_json() if trained.start else None,
            "evidence": trained.evidence,
            "resets": parts,
        },
        history=history,
        run={
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": {
                "total": round(time.perf_counter() - began, 1),
                "epochs": [round(s, 2) for s in steps],
                "validation": [round(s, 2) for s in checks],
            },
            "versions": versions(),
            "hardware": hardware(device),
        },
        snapshots=(second if config.train.refit else first).read(final.history[-1].epoch, final.best_epoch),
    )
    artifacts.save(artifact, out)
    for state in (folder, again):
        Checkpoint(state, config, device).clear()
    for snapshots in (first, second):
        snapshots.clear()
    say(f"saved {out} after {time.perf_counter() - began:.0f} s")
    return artifact


def writable(out: Path) -> None:
    """Raise InputError now, not after an hour of training, when `out` could not be written in the end."""
    artifacts.refuse_foreign(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        probe = out.with_name(f".{out.name}.probe")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); choose another --out") from None


def line(epoch: Epoch) -> str:
    """One epoch in words."""
    loss, ndcg, recall, hidden = (
        "-" if value is None else f"{value:.4f}"
        for value in (epoch.loss, epoch.ndcg, epoch.recall, epoch.hidden)
    )
    return (
        f"epoch {epoch.epoch}: loss {loss}, validation ndcg@20 {ndcg}, among hidden items {hidden}, "
        f"recall@20 {recall}, entropy {epoch.entropy:.3f}, {epoch.seconds:.1f} s"
    )


def undefined(data: Dataset) -> list[str]:
    """What cannot be measured on the data, a note for each."""
    missing = {
        VALIDATION: "no user has a validation item: the last epoch is kept, since none can be compared",
        TEST: "no user has a test item: the test figures are empty",
    }
    return [note for fold, note in missing.items() if not (data.fold == fold).any()]


def measure(model: DSKReG, data: Dataset, baselines: bool, say: Say) -> dict[str, Any]:
    """{"users", "metrics", "baselines", "baseline_settings"} on the test split; the baselines are tuned on
    validation and see the same histories.
    """
    ranking = evaluate(model_scorer(model), data, TEST)
    unknown = int((np.diff(data.folds.test.indptr) > 0).sum()) - len(ranking.counted)
    if unknown:
        say(f"{many(unknown, 'user')} with a test item but no like to go by: not counted")
    result: dict[str, Any] = {
        "users": len(ranking.counted),
        "metrics": ranking.results(),
        "baselines": {},
        "baseline_settings": {},
    }
    if baselines:
        say(f"baselines: {', '.join(MADE)}, tuned on validation")
        for name, fitted in tuned(data.folds.train, data.folds.validation, data.folds.known).items():
            result["baselines"][name] = evaluate(_history_scorer(fitted), data, TEST).results()
            if fitted.settings:
                result["baseline_settings"][name] = fitted.settings
    return result


def _history_scorer(baseline: Baseline) -> Scorer:
    return lambda users, history: baseline.scores(history)


def versions() -> dict[str, str]:
    """Python's and the libraries' versions."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def hardware(device: torch.device) -> str:
    """The machine in words."""
    card = f", {torch.cuda.get_device_name(device)}" if device.type == "cuda" else ""
    processes = f"{distributed.part().size} processes, " if distributed.part().size > 1 else ""
    threads = torch.get_num_threads()
    return f"{platform.machine()}, {processes}{threads} thread{'s' * (threads != 1)}{card}"
