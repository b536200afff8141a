"""The arguments and options of the commands of dskreg/cli.py, and the settings that they make up."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dskreg.config import Config, preset, setting_paths
from dskreg.data.readers.load import DEMO, Given, is_demo
from dskreg.errors import InputError


class Preset(StrEnum):
    """The presets of dskreg/config.py."""

    default = "default"
    paper = "paper"
    demo = "demo"


class Engine(StrEnum):
    """The engines of dskreg/retrieval/engines.py."""

    faiss = "faiss"
    exact = "exact"


class Exclude(StrEnum):
    """What a list leaves out."""

    seen = "seen"
    train = "train"


def path_option(help: str, metavar: str = "FILE") -> Any:
    """An option that names a file, or a folder where `metavar` says so."""
    return typer.Option(metavar=metavar, help=help)


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
ArtifactPath = Annotated[
    Path,
    typer.Argument(
        metavar="ARTIFACT",
        help="A folder made by `dskreg train`, such as artifacts/anime, or an artifact's name, such as demo.",
    ),
]
Adult = Annotated[
    bool,
    typer.Option("--adult", help="List and name items of adult genres too; by default they are left out."),
]
User = Annotated[str | None, typer.Option(help="The id of a user in the data.")]
History = Annotated[
    str | None,
    typer.Option(
        metavar="ID,ID,...",
        help="The liked items of a user who is not in the data, by id; one with commas in quotes.",
    ),
]
Data = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA",
        help="A folder or zip whose format is recognised by its files, tables one by one, or the word demo.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN=ROLE,...",
        help='What the columns of plain tables are, such as "userId=user,movieId=item,rating=rating"; '
        "also timestamp, title, year, poster, adult, relation, none, head, tail.",
    ),
]
PresetName = Annotated[
    Preset | None,
    typer.Option(
        "--preset",
        help="A group of settings. paper: as published. demo: default at the size of the demo. "
        "Without this option: demo for DATA demo, else default.",
        show_default=False,
    ),
]
Epochs = Annotated[
    int | None, typer.Option(help="The largest number of epochs; early stopping may end sooner.")
]
Seed = Annotated[int, typer.Option(min=0, help="The seed of every random choice.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue from the last checkpoint of the same settings.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help=f"Any setting: {', '.join(setting_paths())}."),
]
Log = Annotated[
    Path | None,
    path_option("Append progress for programs: one JSON object per line."),
]
AllUsers = Annotated[bool, typer.Option("--all-users", help="Write the lists of all users to --out.")]
Exclusion = Annotated[
    Exclude | None,
    typer.Option(
        help="With --all-users, what a list leaves out. seen (the default): every item of the user's "
        "interactions. train: the history alone, so that held-out items are listed.",
    ),
]
Histories = Annotated[
    Path | None,
    path_option(
        "Write to --out the lists of users who are not in the data: a table (docs/data.md) with a row for "
        "each liked item, columns user and item.",
    ),
]
Seen = Annotated[
    Path | None,
    path_option(
        "With --histories, the items that these users have seen and did not like; no list repeats them."
    ),
]
MostLikes = Annotated[
    int | None,
    typer.Option(metavar="N", help="List only items that at most so many users like; 0: cold items."),
]
ColdBoost = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="How far items without likes may rise, 0 to 1000; 0: they come last. "
        "By default what validation chose.",
    ),
]
IndexFolder = Annotated[
    Path | None,
    typer.Option("--index", metavar="INDEX", help="Serve a user through a folder made by `dskreg index`."),
]
Users = Annotated[int, typer.Option(min=1, help="The number of users asked about each part, at most.")]
Port = Annotated[
    int | None, typer.Option(min=1, max=65535, help="The port; by default 8501 or the next free one.")
]
Artifacts = Annotated[
    Path | None,
    path_option(
        "The folder of the artifacts; by default $DSKREG_ARTIFACTS, else ./artifacts. "
        "The bundled demo is offered as well.",
        "DIR",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(help="The address to listen on; by default only this machine can connect."),
]


def configuration(
    data: Given, preset_name: str | None, options: dict[str, Any], settings: list[str]
) -> Config:
    """The preset (by default `demo` for the demo and `default` for other data) with the options that are not
    None and the settings NAME=VALUE laid over it, in this order.
    """
    config = preset(preset_name or (DEMO if is_demo(data) else "default"))
    for name, value in options.items():
        config = config if value is None else config.override(name, str(value))
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--set: expected NAME=VALUE (got {text!r})")
        config = config.override(name.strip(), value.strip())
    return config
