"""An artifact's manifest: the files that belong to an artifact, and what manifest.json says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from dskreg import __version__
from dskreg.config import STRICT
from dskreg.documents import quoted, read_json
from dskreg.errors import InputError
from dskreg.storage import folders
from dskreg.storage.folders import MANIFEST
from dskreg.storage.schema import Digest, Names, Text

FORMAT = 6
RUN = "run.json"
SNAPSHOTS = "snapshots.safetensors"
MEND = "restore the artifact or train it again"
FILES = (
    "weights.safetensors",
    "graph.safetensors",
    "serving.safetensors",
    SNAPSHOTS,
    "items.parquet",
    "users.parquet",
    "interactions.parquet",
    "triples.parquet",
    "entities.parquet",
    "item_map.parquet",
    "user_map.parquet",
    "metrics.json",
    "history.json",
    RUN,
)
OPTIONAL = (SNAPSHOTS,)  # older artifacts do not have them


class Versions(TypedDict):
    """Of run.json, whatever the format."""

    dskreg: Annotated[str, Field(pattern=r"^\d+(\.\w+){0,5}$", max_length=40)]


class Made(TypedDict):
    """Of run.json, whatever the format."""

    versions: Versions


class Manifest(TypedDict):
    """manifest.json"""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    format: int
    name: Text
    data_format: Literal["kaggle", "text", "recbole", "tables", "demo"]
    relations: Names
    graph_relations: Annotated[list[Text], Field(max_length=2**15 - 1)]
    notes: Names
    config: dict[str, Any]  # Config.from_json checks it
    files: dict[str, Digest]
    content: Digest


FORM: TypeAdapter[Manifest] = TypeAdapter(Manifest)
MADE: TypeAdapter[Made] = TypeAdapter(Made)


def read_manifest(folder: Path) -> Manifest:
    """The manifest alone, checked for form and version but not against the files.

    Raises InputError in words.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; an artifact is a folder made by `dskreg train`")
    if not path.exists():
        raise InputError(f"{folder}: not an artifact, {MANIFEST} is missing")
    manifest = folders.read_manifest(folder, FORM, FORMAT, lambda: _reader(folder), MEND, without=RUN)
    for name in ({*FILES} ^ {*manifest["files"]}) - {*OPTIONAL}:
        wrong = "not listed" if name in FILES else "unknown"
        raise InputError(f"{path}: files: {quoted(name)} is {wrong}; {MEND}")
    relations = manifest["graph_relations"]
    for name in relations:
        if name not in manifest["relations"] or relations.count(name) > 1:
            wanted = "relations of the data, each once at most"
            raise InputError(f"{path}: graph_relations: expected {wanted} (got {quoted(name)}); {MEND}")
    return manifest


def _reader(folder: Path) -> str:
    """Which version of the project reads an artifact of another format: the one that made it, as its run.json
    says.
    """
    try:
        made = read_json(folder / RUN, MADE)["versions"]["dskreg"]
    except InputError:
        return f"{RUN} does not name the version that made it (before 0.1.0 none did), so train it again"
    if made == __version__:
        return f"a development version of dskreg {made} made it, so train it again"
    return f"dskreg {made}, which made it, reads it (this is {__version__}); or train it again"
