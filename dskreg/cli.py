"""The command line: results on stdout, messages and progress on stderr; exit 2 and one line `error: ...` for
bad input.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dskreg.config import DEMO, Config, preset, setting_paths
from dskreg.console import indexed, prepare, progress, say, settle, show, table, tell
from dskreg.errors import InputError
from dskreg.text import legible

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="DSKReG: train, evaluate, recommend, explain."
)

USAGE: Any = typer.BadParameter.__base__
"""The base of typer's complaints about arguments; it exports only some of the subclasses by name."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
ArtifactPath = Annotated[
    Path, typer.Argument(metavar="ARTIFACT", help="A folder made by `train`, such as artifacts/demo.")
]
Top = Annotated[int, typer.Option(help="How many titles.")]
Adult = Annotated[
    bool,
    typer.Option("--adult", help="List and name titles of adult genres too; without it they are left out."),
]
User = Annotated[str | None, typer.Option(help="Somebody in the data, by id.")]
History = Annotated[
    str | None, typer.Option(metavar="ID,ID,...", help="Titles liked by a person who is not in the data.")
]


class Preset(StrEnum):
    """The presets of dskreg.config."""

    default = "default"
    paper = "paper"


class Finder(StrEnum):
    """The engines of dskreg.retrieval.engines."""

    faiss = "faiss"
    exact = "exact"


class Exclude(StrEnum):
    """What a list leaves out."""

    seen = "seen"
    train = "train"


@app.command()
def download(
    name: Annotated[str, typer.Argument(help="anime")],
    to: Annotated[Path, typer.Option(help="The folder for the files.")],
) -> None:
    """Fetch a data set (the Kaggle anime files, with the optional package kagglehub)."""
    from dskreg.data.readers.download import download as fetch

    tell(str(fetch(name, to)))


@app.command()
def train(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="A folder whose format is recognised by its files, or the word demo."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The artifact's folder.")],
    preset_name: Annotated[Preset, typer.Option("--preset")] = Preset.default,
    epochs: Annotated[
        int | None, typer.Option(help="At most so many; early stopping may end sooner.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint of the same settings.")
    ] = False,
    baselines: Annotated[
        bool, typer.Option(help="Measure popularity, item-kNN and EASE on the same split.")
    ] = True,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help=f"Any setting: {', '.join(setting_paths())}."),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append progress for machines: one JSON object per line."),
    ] = None,
) -> None:
    """Prepare, train with early stopping on validation, evaluate, project and save."""
    from dskreg.runs.journal import journal

    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started, if it did
    with journal(log if first else None) as told:
        config = configuration(
            data,
            preset_name.value,
            {"seed": seed, "train.device": device, "train.epochs": epochs},
            setting or [],
        )
        told.write("start", epochs=config.train.epochs, patience=config.train.patience, resume=resume)
        from dskreg.pipeline import line, run
        from dskreg.training.distributed import joined

        def report(epoch: Any) -> None:
            say(line(epoch))
            told.epoch(epoch)

        with joined(device):
            artifact = run(
                data, out, config, resume, baselines, told.log_stage(say), told.log_steps(progress), report
            )
        if artifact is None:  # the first of several processes says the rest
            return
        told.done(out, artifact.metrics)
    tell(f"{out}: {table(artifact.metrics)}")


def configuration(data: str, preset_name: str, options: dict[str, object], settings: list[str]) -> Config:
    """The preset (at the demo's size for the demo) with the options that are not None and the settings
    NAME=VALUE laid over it, in this order.
    """
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
    artifact: ArtifactPath,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Also popularity, item-kNN and EASE.")
    ] = False,
    json: Json = False,
) -> None:
    """Measure again on the test split: full ranking, noise off."""
    from dskreg.explorer import Explorer
    from dskreg.pipeline import measure

    explorer = Explorer.open(artifact)
    result = measure(explorer.model, explorer.core.artifact.dataset, baselines, say)
    document = {
        key: result[key] for key in ("users", "metrics", "baselines") if key != "baselines" or baselines
    }
    show(document, json, table(result))


@app.command()
def recommend(
    artifact: ArtifactPath,
    user: User = None,
    history: History = None,
    all_users: Annotated[
        bool, typer.Option("--all-users", help="The lists of everybody, into --out.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="A .parquet or .csv file.")] = None,
    top: Top = 10,
    exclude: Annotated[
        Exclude | None,
        typer.Option(
            help="With --all-users. seen (as usual): all that was met; train: what is known, so that held-out likes are listed."
        ),
    ] = None,
    index_folder: Annotated[
        Path | None,
        typer.Option("--index", metavar="INDEX", help="Serve one person through a folder made by `index`."),
    ] = None,
    adult: Adult = False,
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
    from dskreg.explain.reasons import UNKNOWN

    explorer = opened(artifact, adult)
    left_out = (
        ""
        if explorer.adult
        else f"{explorer.adult_titles:,} titles of adult genres are left out; --adult lists them"
    )
    if all_users:
        assert out is not None
        from dskreg.serving.export import write_lists

        write_lists(explorer.lists(top, (exclude or Exclude.seen).value), out, explorer.user_count)
        if unknown := int((explorer.tastes.liked == 0).sum()):
            say(
                f"{unknown:,} users without a like: {UNKNOWN}; their lists are by popularity, each title with the score 0"
            )
        if left_out:
            say(left_out)
        return
    profile = person(explorer, user, history)
    if index_folder is None:
        frame = explorer.recommend(profile, top)
    else:
        from dskreg.retrieval.index import load

        frame = load(index_folder, explorer).recommend(explorer, profile, top)
    items = frame[["rank", "item_id", "title", "score", "reason"]].to_dict("records")
    lines = [
        f"{row['rank']:>3}  {row['score']:8.4f}  {row['title']}  [{row['item_id']}]\n     {row['reason']}"
        for row in items
    ]
    basis = "model" if profile.history else "popularity"
    heading = (
        profile.label
        if profile.history
        else f"{profile.label}: {UNKNOWN}; titles by popularity, each with the score 0"
    )
    show({"user": profile.user_id, "basis": basis, "items": items}, json, "\n".join([heading, *lines]))
    if left_out:
        say(left_out)


@app.command()
def index(
    artifact: ArtifactPath,
    out: Annotated[Path, typer.Option(help="The index's folder.")],
    engine: Annotated[
        Finder, typer.Option(help="faiss: an HNSW graph (needs faiss-cpu); exact: the vectors alone.")
    ] = Finder.faiss,
    json: Json = False,
) -> None:
    """Export the titles for an engine of nearest neighbours; measure what `recommend --index` loses and gains
    by it.
    """
    from dskreg.explorer import Explorer
    from dskreg.retrieval.index import build

    made = build(Explorer.open(artifact), out, engine.value)
    show(made, json, indexed(out, made))


@app.command()
def explain(
    artifact: ArtifactPath,
    item: Annotated[str, typer.Option(help="The title's id.")],
    user: User = None,
    history: History = None,
    seed: Annotated[
        int | None, typer.Option(help="Draw with Gumbel noise from this seed; without it the noise is zero.")
    ] = None,
    adult: Adult = False,
    json: Json = False,
) -> None:
    """The sampling trace and the contributions for one person and one title."""
    if (user is None) == (history is None):
        raise InputError("explain: expected exactly one of --user and --history")
    from dskreg.explain.reasons import UNKNOWN

    explorer = opened(artifact, adult)
    if explorer.item(item)["adult"] and not explorer.adult:
        raise InputError(f"--item: title {item} is of an adult genre; add --adult to explain it")
    found = explorer.explain(person(explorer, user, history), item, seed)
    columns = ["title", "relation", "via", "key", "inclusion_probability", "attention", "contribution"]
    sides = {"title's neighbours": found.item_neighbours, "person's titles": found.user_neighbours}
    parts = [
        f"{found.title}: score {found.score:.4f} = own {found.self_contribution:.4f} + bias {found.bias:.4f} + neighbours, {found.activation}"
    ]
    if found.basis == "popularity":
        parts.append(f"{UNKNOWN}: every score is 0, and lists are by popularity")
    for name, frame in sides.items():
        drawn = frame[frame["picked"]]
        parts.append(
            f"\n{name}: {len(drawn)} of {len(frame)} drawn\n{drawn[columns].to_string(index=False) if len(drawn) else '(none)'}"
        )
    show(found.to_json(), json, "\n".join(parts))


@app.command()
def info(artifact: ArtifactPath, json: Json = False) -> None:
    """What an artifact holds and how it was made; verifies every file's hash."""
    from dskreg.explorer import Explorer

    document = Explorer.open(artifact).info()
    short = {k: v for k, v in document.items() if k not in ("user_ids", "config", "files")} | {
        "seconds": document["seconds"]["total"]
    }
    show(
        document,
        json,
        "\n".join(f"{k}: {', '.join(v) if isinstance(v, list) else v}" for k, v in short.items()),
    )


def opened(artifact: Path, adult: bool) -> Any:
    """The artifact's Explorer, without adult titles unless they are asked for."""
    from dskreg.explorer import Explorer

    explorer = Explorer.open(artifact)
    return explorer if adult else explorer.without_adult


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
    try:
        code = answer()
    finally:
        settle()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # Threads of torch's communication now and then abort a process that has done its work, as it is taken
        # apart (1 of 42 sharded runs).
        os._exit(code)
    return code


def answer() -> int:
    """What was asked for, done and written; the exit code."""
    # Before torch is loaded: threads that spin while they wait bring everything to a halt as soon as another
    # process wants a core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        prepare()
        result = app(standalone_mode=False)
    except InputError as error:
        return fail(str(error))
    # What the system refuses: the help on a full disk, a file that is taken away meanwhile
    except OSError as error:
        return fail(str(error))
    except typer.Exit as end:
        return end.exit_code
    except USAGE as error:
        return fail(error.format_message())
    except (typer.Abort, KeyboardInterrupt):
        say("stopped")
        return 130
    return result if isinstance(result, int) else 0


def fail(message: str) -> int:
    """One line on stderr, whatever the message holds; exit code 2."""
    say(f"error: {' '.join(legible(message).split())}")
    return 2
