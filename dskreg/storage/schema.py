"""What an artifact's files may hold, declared once: documents field by field and tables column by column;
tensors.py has the tensors.

`dskreg/storage/artifact.py` checks all of it when an artifact is opened, by way of `dskreg/documents.py`
(JSON) and `dskreg/storage/verify.py` (tables, tensors). Sizes go by name: `items` I, `users` U, `relations`
(of the triples), `entities`. Torch-free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, NotRequired

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from dskreg.config import STRICT
from dskreg.evaluation.metrics import REPORTED

# Documents

Text = Annotated[str, Field(max_length=10_000)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Amount = Annotated[float, Field(ge=0, le=1e12)]
Positive = Annotated[float, Field(gt=0, le=1e12)]
Share = Annotated[float, Field(ge=0, le=1 + 1e-6)]
Real = Annotated[float, Field(ge=-1e12, le=1e12)]
Single = Annotated[float, Field(ge=-3.5e38, le=3.5e38)]  # any number in single precision
Names = Annotated[list[Text], Field(max_length=2**15 - 1)]


class Quality(TypedDict):
    """How faithful a map is (dskreg/embedding/projection.py)."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    trustworthiness: Share | None  # null where there is nothing to measure
    neighbour_preservation: Share | None
    k: Count
    sample: Count
    parameters: dict[Text, Text | int | float | None]


class Qualities(TypedDict):
    """One for each map."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    titles: Quality
    raw: Quality
    users: Quality


class Start(TypedDict):
    """dskreg.training.closed_form.Start"""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    exponent: Amount
    ridge: Positive | None
    head: Amount
    prior: Amount
    least: Count


class Boost(TypedDict):
    """NDCG@20 on validation at one setting of the cold boost."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    boost: Amount
    all: Share
    warm: Share
    cold: Share


class Evidence(TypedDict):
    """What neighbours weigh (dskreg/evaluation/evidence.py)."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    kappa: Positive
    scale: Amount
    boost: Amount
    hidden: Count
    users: Count
    curve: Annotated[list[Boost], Field(max_length=1000)]


class Change(TypedDict):
    """NDCG@20 with a part reset, and its relative change with half the 95 % interval."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    ndcg: Share | None
    change: Real | None
    within: Amount | None
    users: Count


class Reset(TypedDict):
    """A row of dskreg/evaluation/resets.py."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    part: Text
    all: Change
    rare: Change
    cold: NotRequired[Change]


class ItemKNN(TypedDict):
    """Settings of dskreg.evaluation.baselines.ItemKNN."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    k: Annotated[int, Field(ge=1, lt=2**31)]
    shrink: Amount


class EASE(TypedDict):
    """Settings of dskreg.evaluation.baselines.EASE."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    regularisation: Positive


BaselineSettings = TypedDict(
    "BaselineSettings", {"item-kNN": NotRequired[ItemKNN], "EASE": NotRequired[EASE]}
)
BaselineSettings.__pydantic_config__ = STRICT  # type: ignore[attr-defined]

Figures = TypedDict("Figures", {name: Amount | None for name in REPORTED})  # type: ignore[misc]
"""A recommender's figures on the test split; null where no user has a test item."""
Figures.__pydantic_config__ = STRICT  # type: ignore[attr-defined]


class Metrics(TypedDict):
    """metrics.json"""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    users: Count
    metrics: Figures
    baselines: dict[Text, Figures]
    baseline_settings: BaselineSettings
    maps: Qualities
    best_epoch: Count
    start: Start | None  # null of the paper's form, and so is the next
    evidence: Evidence | None
    resets: Annotated[list[Reset], Field(max_length=100)]


class Epoch(TypedDict):
    """A row of history.json."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    epoch: Count
    loss: Single | None
    entropy: Share
    ndcg: Share | None
    recall: Share | None
    hidden: Share | None


class Seconds(TypedDict):
    """Times of a run."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    total: Amount
    epochs: list[Amount]
    validation: list[Amount]


class RunRecord(TypedDict):
    """run.json"""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    created: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$")]
    seconds: Seconds
    versions: dict[Text, Text]
    hardware: Text


DOCUMENTS: dict[str, TypeAdapter[Any]] = {
    "metrics.json": TypeAdapter(Metrics),
    "history.json": TypeAdapter(list[Epoch]),
    "run.json": TypeAdapter(RunRecord),
}


# Tables


@dataclass(frozen=True)
class Column:
    """A column: how it is stored, and what its values may be.

    kind:     an arrow type, `text`, or `id` (int64 or text, all different)
    least:    the smallest value
    below:    the size, by name, that every value is smaller than
    most:     the largest value
    nulls:    may values be missing?
    optional: may the column be missing?
    """

    kind: str
    least: float | None = None
    below: str = ""
    most: float | None = None
    nulls: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """A table: its columns, and the size, by name, that its number of rows has (`rows`) or does not exceed
    (`at_most`, a product of sizes).
    """

    columns: dict[str, Column]
    rows: str = ""
    at_most: tuple[str, ...] = ()


_SHOWN = {
    name: Column("text", nulls=True, optional=True)
    for name in ("type", "genres", "studio", "source", "franchise", "image")
}
_COUNTED = {
    name: Column("int64", least=0, nulls=True, optional=True) for name in ("episodes", "year", "members")
}
_PLACE = Column("float", least=-1e12, most=1e12)
_CLUSTER = Column("int32", least=-1, most=2**31 - 2)  # -1: no vector, no cluster

TABLES: dict[str, Table] = {  # those that give a size come first
    "items": Table(
        {"item_id": Column("id"), "title": Column("text"), **_SHOWN, **_COUNTED}
        | {"mean_rating": Column("double", least=-1e12, most=1e12, nulls=True, optional=True)}
    ),
    "users": Table({"user_id": Column("id")}),
    "entities": Table({"entity": Column("text"), "item": Column("int32", least=-1, below="items")}),
    "interactions": Table(
        {
            "user": Column("int32", least=0, below="users"),
            "item": Column("int32", least=0, below="items"),
            "liked": Column("bool"),
            "fold": Column("int8", least=0, most=4),
        },
        at_most=("users", "items"),
    ),
    "triples": Table(
        {
            "head": Column("int32", least=0, below="items"),
            "relation": Column("int16", least=0, below="relations"),
            "tail": Column("int32", least=0, below="entities"),
        },
        at_most=("items", "relations", "entities"),
    ),
    "item_map": Table(
        {
            "x": _PLACE,
            "y": _PLACE,
            "raw_x": _PLACE,
            "raw_y": _PLACE,
            "cluster": _CLUSTER,
            "kept": Column("float", least=0, most=1),
        },
        rows="items",
    ),
    "user_map": Table(
        {"user": Column("int64", least=0, below="users"), "x": _PLACE, "y": _PLACE, "cluster": _CLUSTER},
        at_most=("users",),
    ),
}
