"""The command line: results on stdout, messages and progress on stderr; exit 2 and one line `error: ...` for bad input."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dskreg.config import DEMO, Config, preset, setting_paths
from dskreg.errors import InputError
from dskreg.legible import legible
from dskreg.printing import indexed, progress, say, show, table

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help="DSKReG: train, evaluate, recommend, explain.")

USAGE: Any = typer.BadParameter.__base__
"""The base of typer's complaints about arguments; it exports only some of the subclasses by name."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
ArtifactPath = Annotated[Path, typer.Argument(metavar="ARTIFACT", help="A folder made by `train`, such as artifacts/demo.")]
Top = Annotated[int, typer.Option(help="How many titles.")]
User = Annotated[str | None, typer.Option(help="Somebody in the data, by id.")]
History = Annotated[str | None, typer.Option(metavar="ID,ID,...", help="Titles liked by a person who is not in the data.")]


class Preset(StrEnum):
    """The presets of dskreg.config."""

    default = "default"
    paper = "paper"


class Finder(StrEnum):
    """The engines of dskreg.engines."""

    faiss = "faiss"
    exact = "exact"


class Exclude(StrEnum):
    """What a list leaves out."""

    seen = "seen"
    train = "train"


@app.command()
def download(name: Annotated[str, typer.Argument(help="anime")], to: Annotated[Path, typer.Option(help="The folder for the files.")]) -> None:
    """Fetch a data set (the Kaggle anime files, with the optional package kagglehub)."""
    from dskreg.data.download import download as fetch

    print(fetch(name, to))


@app.command()
def train(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A folder whose format is recognised by its files, or the word demo.")],
    out: Annotated[Path, typer.Option(help="The artifact's folder.")],
    preset_name: Annotated[Preset, typer.Option("--preset")] = Preset.default,
    epochs: Annotated[int | None, typer.Option(help="At most so many; early stopping may end sooner.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of the same settings.")] = False,
    baselines: Annotated[bool, typer.Option(help="Measure popularity, item-kNN and EASE on the same split.")] = True,
    setting: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=f"Any setting: {', '.join(setting_paths())}.")] = None,
    log: Annotated[Path | None, typer.Option(metavar="FILE", help="Append progress for machines: one JSON object per line.")] = None,
) -> None:
    """Prepare, train with early stopping on validation, evaluate, project and save."""
    from dskreg.journal import journal

    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started, if it did
    with journal(log if first else None) as told:
        config = configuration(data, preset_name.value, {"seed": seed, "train.device": device, "train.epochs": epochs}, setting or [])
        told.write("start", epochs=config.train.epochs, patience=config.train.patience, resume=resume)
        from dskreg.parallel import joined
        from dskreg.pipeline import line, run

        def report(epoch: Any) -> None:
            say(line(epoch))
            told.epoch(epoch)

        with joined(device):
            artifact = run(data, out, config, resume, baselines, told.saying(say), told.counting(progress), report)
        if artifact is None:  # the first of several processes says the rest
            return
        told.done(out, artifact.metrics)
    print(f"{out}: {table(artifact.metrics)}")


def configuration(data: str, preset_name: str, options: dict[str, object], settings: list[str]) -> Config:
    """The preset (at the demo's size for the demo) with the options that are not None and the settings NAME=VALUE laid over it, in this order."""
    config = DEMO if data == "demo" and preset_name == "default" else preset(preset_name)
    for name, value in options.items():
        config = config if value is None else config.override(name, str(value))
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set: expected NAME=VALUE (got {text!r})")
        config = config.override(name.strip(), value.strip())
    return config


@app.command()
def evaluate(
    artifact: ArtifactPath, baselines: Annotated[bool, typer.Option("--baselines", help="Also popularity, item-kNN and EASE.")] = False, json: Json = False
) -> None:
    """Measure again on the test split: full ranking, noise off."""
    from dskreg.explorer import Explorer
    from dskreg.pipeline import measure

    explorer = Explorer.open(artifact)
    result = measure(explorer.model, explorer.core.artifact.dataset, baselines, say)
    document = {key: result[key] for key in ("users", "metrics", "baselines") if key != "baselines" or baselines}
    show(document, json, table(result))


@app.command()
def recommend(
    artifact: ArtifactPath,
    user: User = None,
    history: History = None,
    all_users: Annotated[bool, typer.Option("--all-users", help="The lists of everybody, into --out.")] = False,
    out: Annotated[Path | None, typer.Option(help="A .parquet or .csv file.")] = None,
    top: Top = 10,
    exclude: Annotated[
        Exclude | None, typer.Option(help="With --all-users. seen (as usual): all that was met; train: what is known, so that held-out likes are listed.")
    ] = None,
    index_folder: Annotated[Path | None, typer.Option("--index", metavar="INDEX", help="Serve one person through a folder made by `index`.")] = None,
    json: Json = False,
) -> None:
    """The best titles for one person, or for everybody."""
    if [all_users, user is not None, history is not None].count(True) != 1:
        raise InputError("recommend: expected exactly one of --user, --history and --all-users")
    if top < 1:
        raise InputError(f"--top: expected at least 1 (got {top})")
    if all_users and (out is None or out.suffix not in (".parquet", ".csv")):
        raise InputError("--all-users: expected --out with a file ending in .parquet or .csv")
    if all_users and index_folder is not None:
        raise InputError("--index: serves one person (got --all-users)")
    if not all_users and (exclude or out):
        raise InputError(f"{'--exclude' if exclude else '--out'}: goes with --all-users")
    from dskreg.explorer import Explorer

    explorer = Explorer.open(artifact)
    if all_users:
        assert out is not None
        from dskreg.export import write_lists

        write_lists(explorer.lists(top, (exclude or Exclude.seen).value), out, explorer.user_count)
        return
    profile = person(explorer, user, history)
    if index_folder is None:
        frame = explorer.recommend(profile, top)
    else:
        from dskreg.index import load

        frame = load(index_folder, explorer).recommend(explorer, profile, top)
    items = frame[["rank", "item_id", "title", "score", "reason"]].to_dict("records")
    lines = [f"{row['rank']:>3}  {row['score']:8.4f}  {row['title']}  [{row['item_id']}]\n     {row['reason']}" for row in items]
    show({"user": profile.user_id, "items": items}, json, "\n".join([profile.label, *lines]))


@app.command()
def index(
    artifact: ArtifactPath,
    out: Annotated[Path, typer.Option(help="The index's folder.")],
    engine: Annotated[Finder, typer.Option(help="faiss: an HNSW graph (needs faiss-cpu); exact: the vectors alone.")] = Finder.faiss,
    json: Json = False,
) -> None:
    """Export the titles for an engine of nearest neighbours; measure what `recommend --index` loses and gains by it."""
    from dskreg.explorer import Explorer
    from dskreg.index import build

    made = build(Explorer.open(artifact), out, engine.value)
    show(made, json, indexed(out, made))


@app.command()
def explain(
    artifact: ArtifactPath,
    item: Annotated[str, typer.Option(help="The title's id.")],
    user: User = None,
    history: History = None,
    seed: Annotated[int | None, typer.Option(help="Draw with Gumbel noise from this seed; without it the noise is zero.")] = None,
    json: Json = False,
) -> None:
    """The sampling trace and the contributions for one person and one title."""
    if (user is None) == (history is None):
        raise InputError("explain: expected exactly one of --user and --history")
    from dskreg.explorer import Explorer

    explorer = Explorer.open(artifact)
    found = explorer.explain(person(explorer, user, history), item, seed)
    columns = ["title", "relation", "via", "key", "inclusion_probability", "attention", "contribution"]
    sides = {"title's neighbours": found.item_neighbours, "person's titles": found.user_neighbours}
    parts = [f"{found.title}: score {found.score:.4f} = own {found.self_contribution:.4f} + bias {found.bias:.4f} + neighbours, {found.activation}"]
    for name, frame in sides.items():
        drawn = frame[frame["picked"]]
        parts.append(f"\n{name}: {len(drawn)} of {len(frame)} drawn\n{drawn[columns].to_string(index=False) if len(drawn) else '(none)'}")
    show(found.to_json(), json, "\n".join(parts))


@app.command()
def info(artifact: ArtifactPath, json: Json = False) -> None:
    """What an artifact holds and how it was made; verifies every file's hash."""
    from dskreg.explorer import Explorer

    document = Explorer.open(artifact).info()
    short = {k: v for k, v in document.items() if k not in ("user_ids", "config", "files")} | {"seconds": document["seconds"]["total"]}
    show(document, json, "\n".join(f"{k}: {', '.join(v) if isinstance(v, list) else v}" for k, v in short.items()))


def person(explorer: Any, user: str | None, history: str | None) -> Any:
    """The profile that --user or --history names."""
    if user is not None:
        return explorer.profile(user)
    ids = [part for part in (history or "").split(",") if part.strip()]
    if not ids:
        raise InputError("--history: expected title ids separated by commas")
    return explorer.profile_of(ids)


def main() -> int:
    """Run the command line; the exit code."""
    code = answer()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # Threads of torch's communication now and then abort a process that has done its work, as it is taken apart (1 of 42 sharded runs).
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def answer() -> int:
    """What was asked for, done; the exit code."""
    # Before torch is loaded: threads that spin while they wait bring everything to a halt as soon as another process wants a core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        result = app(standalone_mode=False)
    except InputError as error:
        return fail(str(error))
    except typer.Exit as end:
        return end.exit_code
    except USAGE as error:
        return fail(error.format_message())
    except (typer.Abort, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader is gone: nothing is left to flush
        return 0
    return result if isinstance(result, int) else 0


def fail(message: str) -> int:
    """One line on stderr, whatever the message holds; exit code 2."""
    print(f"error: {' '.join(legible(message).split())}", file=sys.stderr)
    return 2
