"""The command line: results on stdout, messages and progress on stderr; exit 2 and one line `error: ...` for
bad input.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from dskreg import __version__, load
from dskreg import arguments as given
from dskreg.commands.card import card
from dskreg.commands.explain import explain
from dskreg.commands.export import export
from dskreg.commands.inspect import inspect
from dskreg.commands.notes import notes
from dskreg.commands.slices import slices
from dskreg.commands.whatif import whatif
from dskreg.console import indexed, prepare, progress, say, say_left_out, settle, show, table, tell
from dskreg.errors import InputError
from dskreg.results import add_titles, one_list, opened, profile_of, reset_table, write_all, write_histories
from dskreg.text import legible

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

USAGE: Any = typer.BadParameter.__base__
"""The base of typer's complaints about arguments; it exports only some of the subclasses by name."""


def print_version(asked: bool) -> None:
    """Print the version and end, where it is asked for."""
    if asked:
        tell(f"dskreg {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=print_version, help="Print the version and exit."),
    ] = False,
) -> None:
    """DSKReG: train, evaluate, recommend, explain, and open the explorer."""


@app.command("app")
def open_app(
    port: given.Port = None,
    artifacts: given.Artifacts = None,
    address: given.Address = None,
) -> None:
    """Open the explorer in the browser."""
    from dskreg.app_server import start

    start(port, address, artifacts)


@app.command()
def download(
    name: Annotated[str, typer.Argument(help="The data set: anime.")],
    to: Annotated[Path, typer.Option(help="The folder for the files.")],
) -> None:
    """Fetch a data set (the Kaggle anime files, with the optional package kagglehub)."""
    from dskreg.data.readers.download import download as fetch

    tell(str(fetch(name, to)))


app.command()(inspect)


@app.command()
def train(
    data: given.Data,
    out: Annotated[Path, typer.Option(help="The artifact's folder.")],
    preset_name: given.PresetName = None,
    epochs: given.Epochs = None,
    seed: given.Seed = 0,
    device: given.Device = "auto",
    resume: given.Resume = False,
    baselines: Annotated[
        bool, typer.Option(help="Measure popularity, item-kNN and EASE on the same split.")
    ] = True,
    setting: given.Settings = None,
    log: given.Log = None,
    columns: given.Columns = None,
) -> None:
    """Prepare, train with early stopping on validation, evaluate, project and save."""
    from dskreg.runs.journal import journal

    first = os.environ.get("RANK", "0") == "0"  # of the processes that torchrun started, if it did
    with journal(log if first else None) as told:
        options = {"seed": seed, "train.device": device, "train.epochs": epochs}
        config = given.configuration(data, preset_name, options, setting or [])
        told.write("start", epochs=config.train.epochs, patience=config.train.patience, resume=resume)
        from dskreg.pipeline import line, run
        from dskreg.training.distributed import joined

        def report(epoch: Any) -> None:
            say(line(epoch))
            told.epoch(epoch)

        with joined(device):
            artifact = run(
                data,
                out,
                config,
                resume,
                baselines,
                told.log_stage(say),
                told.log_steps(progress),
                report,
                columns,
            )
        if artifact is None:  # the first of several processes says the rest
            return
        told.done(out, artifact.metrics)
    tell(f"{out}: {table(artifact.metrics)}")


@app.command()
def evaluate(
    artifact: given.ArtifactPath,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Also popularity, item-kNN and EASE.")
    ] = False,
    json: given.Json = False,
) -> None:
    """Measure again on the test split: full ranking, noise off."""
    from dskreg.pipeline import measure

    explorer = load(artifact)
    result = measure(explorer.model, explorer.core.artifact.dataset, baselines, say)
    shown = ("users", "metrics", "baselines") if baselines else ("users", "metrics")
    show({key: result[key] for key in shown}, json, table(result))


@app.command()
def recommend(
    artifact: given.ArtifactPath,
    user: given.User = None,
    history: given.History = None,
    histories: given.Histories = None,
    seen: given.Seen = None,
    all_users: given.AllUsers = False,
    out: Annotated[Path | None, typer.Option(help="A .parquet or .csv file.")] = None,
    top: Annotated[int, typer.Option(help="The number of recommendations.")] = 10,
    exclude: given.Exclusion = None,
    most_likes: given.MostLikes = None,
    cold_boost: given.ColdBoost = None,
    index_folder: given.IndexFolder = None,
    adult: given.Adult = False,
    json: given.Json = False,
) -> None:
    """The best items for one user, for all users, or for any number of users who are not in the data."""
    many = "--all-users" if all_users else "--histories" if histories is not None else ""
    if [all_users, user is not None, history is not None, histories is not None].count(True) != 1:
        raise InputError("recommend: expected exactly one of --user, --history, --histories and --all-users")
    if top < 1:
        raise InputError(f"--top: expected at least 1 (got {top})")
    if many and (out is None or out.suffix not in (".parquet", ".csv")):
        raise InputError(f"{many}: expected --out with a file ending in .parquet or .csv")
    if many and index_folder is not None:
        raise InputError(f"--index: serves one user (got {many})")
    if seen is not None and histories is None:
        raise InputError("--seen: goes with --histories")
    if index_folder is not None and not most_likes is cold_boost is None:
        raise InputError("--index: serves the list as it is (got --most-likes or --cold-boost)")
    if not all_users and exclude:
        raise InputError("--exclude: goes with --all-users")
    if not many and out:
        raise InputError("--out: goes with --all-users or --histories")
    explorer = opened(artifact, adult)
    if histories is not None and out is not None:
        write_histories(explorer, histories, seen, out, top, most_likes, cold_boost)
    elif out is not None:
        write_all(explorer, out, top, exclude or given.Exclude.seen, most_likes, cold_boost)
    else:
        profile = profile_of(explorer, user, history)
        document, text = one_list(explorer, profile, top, index_folder, most_likes, cold_boost)
        show(document, json, text)
    if not explorer.adult:
        say_left_out(explorer.adult_titles, "lists")


@app.command()
def index(
    artifact: given.ArtifactPath,
    out: Annotated[Path, typer.Option(help="The index's folder.")],
    engine: Annotated[
        given.Engine, typer.Option(help="faiss: an HNSW graph (needs faiss-cpu); exact: the vectors alone.")
    ] = given.Engine.faiss,
    json: given.Json = False,
) -> None:
    """Export the items for nearest-neighbour search, and compare its lists with the exact ones."""
    from dskreg.retrieval.index import build

    made = build(load(artifact), out, engine.value)
    show(made, json, indexed(out, made))


app.command()(explain)
app.command()(whatif)
app.command()(notes)
app.command()(slices)
app.command()(card)
app.command()(export)


@app.command()
def resets(artifact: given.ArtifactPath, users: given.Users = 2000, json: given.Json = False) -> None:
    """What each part of the model is worth: one part at a time is reset and NDCG@20 measured again."""
    show(*reset_table(load(artifact), users, json))


@app.command()
def add(
    artifact: given.ArtifactPath,
    items: Annotated[
        Path,
        typer.Argument(
            metavar="ITEMS",
            help="A .csv or .parquet file: item_id, title, and columns of the items or relations, called so "
            "or as in the data; several entities are joined by commas.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder of the enlarged artifact.")],
    columns: given.Columns = None,
    json: given.Json = False,
) -> None:
    """Add new items to an artifact, without training: they are recommended by what they share."""
    show(*add_titles(artifact, items, out, columns, json))


@app.command()
def info(artifact: given.ArtifactPath, json: given.Json = False) -> None:
    """What an artifact holds and how it was made; verifies every file's hash."""
    document = load(artifact).info()
    short = {k: v for k, v in document.items() if k not in ("user_ids", "config", "files")}
    short["seconds"] = document["seconds"]["total"]
    notes = short.pop("notes", [])
    lines = [f"{name}: {_in_words(value)}" for name, value in short.items()]
    lines += [f"note: {note}" for note in notes]
    show(document, json, "\n".join(lines))


def _in_words(value: object) -> str:
    """A list or a dict on one line; anything else as it is."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def main() -> int:
    """Run the command line; the exit code."""
    try:
        code = answer()
    finally:
        settle()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # At the interpreter's end, torch's communication threads sometimes abort a process that has done its
        # work (1 of 42 runs).
        os._exit(code)
    return code


def answer() -> int:
    """Run the command that the arguments name; the exit code."""
    # Before torch is loaded: threads that spin while they wait slow every other process down.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        prepare()
        result = app(standalone_mode=False, prog_name="dskreg")
    except InputError as error:
        return fail(str(error))
    # For example the help on a full disk, or a file that is deleted meanwhile
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
    """Print the message as one line on stderr; exit code 2."""
    say(f"error: {' '.join(legible(message).split())}")
    return 2
