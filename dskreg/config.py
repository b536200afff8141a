"""Settings: frozen dataclasses whose types and ranges are declared beside the defaults, written to and read
from JSON.

Whichever way a setting comes, by construction, `dataclasses.replace`, JSON or the command line, pydantic
checks it against its declaration. The bounds are far from whatever makes sense: they keep out what would end
in an overflow, an allocation without end or a run without end.

A preset is a complete `Config`. `paper` follows the publication (BPR, one uniform negative, tanh, K = 8, tau
= 0.1). `default` keeps its sampler with the deviations that docs/model.md lists. `demo` is `default` at the
size of the bundled demo.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from dskreg.documents import first_fault, quoted
from dskreg.errors import InputError

DEVICES = "auto, cpu, cuda, cuda:N or mps"
DEVICE = r"^(auto|cpu|cuda(:[0-9]{1,2})?|mps)$"
RANDOM, TIME, LEAVE_ONE_OUT = "random", "time", "leave-one-out"
"""The splits of `DataConfig.split`; after `time` may come `:YYYY-MM-DD`."""
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

Share = Annotated[float, Field(ge=1e-6, lt=1)]
# Numpy's generators refuse a negative one, torch's read it as another number
Seed = Annotated[int, Field(ge=0, lt=2**32)]
# "at most so many" of what the data have: a huge one means all
AtMost = Annotated[int, Field(ge=1, le=10**9)]
Picks = Annotated[int, Field(ge=1, le=1024)]  # a step holds picks x titles x users of its batch
# Below, float32 has no step left; above, the first step is the last
Rate = Annotated[float, Field(ge=1e-12, le=1e3)]
Settings = TypeVar("Settings")


def _section(name: str) -> Callable[[type[Settings]], type[Settings]]:
    """A class decorator: what pydantic refuses is an InputError that names the setting, `name` before it."""

    def named(kind: type[Settings]) -> type[Settings]:
        checked: Any = kind.__init__

        def __init__(self: Any, /, *positional: Any, **values: Any) -> None:
            try:
                checked(self, *positional, **values)
            except ValidationError as error:
                raise _refusal(name, error) from None

        kind.__init__ = __init__  # type: ignore[assignment]
        return kind

    return named


def _refusal(section: str, error: ValidationError) -> InputError:
    path, wrong = first_fault(error)
    path = ".".join(part for part in (section, path) if part)
    if wrong == "unknown":
        return _unknown(path)
    return InputError(
        f"setting {path}: {wrong.replace(f'String should match pattern {DEVICE!r}', f'expected {DEVICES}')}"
    )


def date_of(split: str) -> datetime | None:
    """The start of the test in a split `time:YYYY-MM-DD`, at midnight UTC; None of any other split."""
    with suppress(ValueError):
        if re.fullmatch(rf"{TIME}:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}", split):
            return datetime.fromisoformat(split.removeprefix(f"{TIME}:")).replace(tzinfo=UTC)
    return None


def _known_split(text: str) -> str:
    if text not in (RANDOM, TIME, LEAVE_ONE_OUT) and date_of(text) is None:
        expected = f"{RANDOM}, {TIME}, {TIME}:DATE as in {TIME}:2018-01-31 or {LEAVE_ONE_OUT}"
        raise ValueError(f"expected {expected} (got {quoted(text)})")
    return text


def _unknown(path: str) -> InputError:
    near = difflib.get_close_matches(path[:100], setting_paths(), n=1, cutoff=0.4)
    return InputError(f"unknown setting {quoted(path)}" + (f"; did you mean {near[0]!r}?" if near else ""))


@_section("data")
@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """What counts as liked and how it is split."""

    # A rating of at least this is a like (-1 means watched and is never one); None: by the ratings' scale
    like_threshold: Annotated[float, Field(ge=-1e9, le=1e9)] | None = None
    # Users and titles with fewer likes stay out of training and tests (only where the split is ours)
    core: AtMost = 5
    validation: Share = 0.1  # of each user's likes
    test: Share = 0.2  # of each user's likes; a data set with its own test split keeps that
    split_seed: Seed = 0
    # random; time: each user's latest likes are the test; time:DATE: the likes from the date on (YYYY-MM-DD,
    # UTC); leave-one-out: each user's latest like, or any where there are no timestamps
    split: Annotated[str, AfterValidator(_known_split)] = RANDOM

    def __post_init__(self) -> None:
        if self.validation + self.test >= 1:
            raise ValueError(f"validation + test: expected less than 1 (got {self.validation + self.test})")


@_section("graph")
@dataclass(frozen=True, config=STRICT)
class GraphConfig:
    """The relational item graph: who may be a candidate."""

    candidates: Annotated[int, Field(ge=1, le=16_384)] = 128  # M, per item; the table has titles x M places
    without: Annotated[tuple[str, ...], Field(strict=False)] = ()  # relations switched off
    # By the number of items they connect
    max_relations: Annotated[int, Field(ge=0, le=1000)] = 12
    min_items: Annotated[int, Field(ge=0, le=10**9)] = 20  # a relation that connects fewer items is left out
    # An entity carried by more than this share of the items connects nobody
    max_share: Annotated[float, Field(gt=0, le=1)] = 0.5


@_section("model")
@dataclass(frozen=True, config=STRICT)
class ModelConfig:
    """The network of docs/model.md."""

    # evidence: users made of their likes, logits that see the pair, neighbours that count the more the fewer
    # people have liked an item. paper: as the publication has it
    form: Literal["evidence", "paper"] = "evidence"
    # D; a tower of the paper's form has D x D numbers, a gigabyte at most
    width: Annotated[int, Field(ge=1, le=16_384)] = 1024
    picks: Picks = 8  # K on the item side
    user_picks: Picks = 8  # K on the user side of the paper's form
    # Tau of the relaxed top-k: keys are divided by it in float32. Training draws at the temperature of the
    # attention (SHARPNESS, model/evidence.py); at the paper's 0.1 only near ties have a gradient
    temperature: Annotated[float, Field(ge=1e-4, le=1e4)] = 8.0
    relaxation: Literal["straight-through", "soft"] = "straight-through"


@_section("train")
@dataclass(frozen=True, config=STRICT)
class TrainConfig:
    """How the parameters are found."""

    epochs: Annotated[int, Field(ge=0, le=10_000)] = 30
    patience: AtMost = 10  # epochs without a better validation NDCG@20
    validation_users: AtMost = 2000  # asked after each epoch, at most; the test asks everybody
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = 1024  # users of a step, or pairs of the paper's form
    refit: bool = True  # once more with the validation likes, for as many epochs as were best
    learning_rate: Rate = 0.1  # falls as 1 / (1 + step / 30), or stays in the paper's form
    # Of the paper's form alone: the towers' share of the learning rate, and the rate of logits and relations
    tower_rate: Annotated[float, Field(ge=1e-6, le=1)] = 1e-3
    sampler_learning_rate: Rate = 1e-3
    # Lambda: times the squared norm of the embeddings that a batch of the paper's form touched
    l2: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    hide: Share = 0.1  # of the liked items, which a step ranks by their neighbours alone
    device: Annotated[str, Field(pattern=DEVICE)] = "auto"


@_section("projection")
@dataclass(frozen=True, config=STRICT)
class ProjectionConfig:
    """The t-SNE maps, and the clusters that their regions are named by."""

    users: Annotated[int, Field(ge=0, le=1_000_000)] = 2000  # at most so many users are placed
    # Three times as many neighbours are kept of every point
    perplexity: Annotated[float, Field(ge=0.1, le=1000)] = 30.0
    iterations: Annotated[int, Field(ge=1, le=100_000)] = 500
    # Points whose neighbourhoods are compared
    quality_sample: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    clusters: Annotated[int, Field(ge=1, le=10_000)] = 20  # at most, of titles and of users


@_section("")
@dataclass(frozen=True, config=STRICT)
class Config:
    """Everything that decides the outcome of a training run, besides the data."""

    preset: Annotated[str, Field(max_length=100)] = "default"
    seed: Seed = 0
    data: DataConfig = field(default_factory=DataConfig)
    graph: GraphConfig = field(default_factory=GraphConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    projection: ProjectionConfig = field(default_factory=ProjectionConfig)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers."""
        document = dataclasses.asdict(self)
        document["graph"]["without"] = list(self.graph.without)
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Config:
        """The inverse of `to_json`; raises InputError for an unknown or ill-typed field."""
        values = dict(_named_values(document, "config"))
        for part in dataclasses.fields(cls):
            if part.name in values and isinstance(part.default_factory, type):
                values[part.name] = part.default_factory(**_named_values(values[part.name], part.name))
        return cls(**values)

    def override(self, path: str, text: str) -> Config:
        """A copy with the setting at `path` (such as `model.width`) parsed from `text`."""
        if path not in setting_paths():
            raise _unknown(path)
        section, _, name = path.rpartition(".")
        owner: Any = getattr(self, section) if section else self
        changed = replace(owner, **{name: _parsed(get_type_hints(type(owner))[name], text)})
        whole: dict[str, Any] = {section: changed}
        return replace(self, **whole) if section else changed


def _named_values(document: Any, path: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise InputError(f"setting {path}: expected a JSON object (got {quoted(document)})")
    return document


def setting_paths() -> list[str]:
    """Every path that `Config.override` accepts."""
    paths = []
    for outer in dataclasses.fields(Config):
        value = getattr(Config(), outer.name)
        paths += (
            [f"{outer.name}.{f.name}" for f in dataclasses.fields(value)]
            if dataclasses.is_dataclass(value)
            else [outer.name]
        )
    return paths


def _parsed(kind: Any, text: str) -> Any:
    """`text` as a value of the annotation `kind`; `text` itself where it is none, which the declaration
    refuses.
    """
    if get_origin(kind) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if type(None) in get_args(kind):  # a number or None
        if text.lower() == "none":
            return None
        kind = next(part for part in get_args(kind) if part is not type(None))
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    with suppress(ValueError):
        return kind(text) if kind in (int, float) else text
    return text


PRESETS: dict[str, Config] = {
    "default": Config(),
    "paper": Config(
        preset="paper",
        graph=GraphConfig(candidates=32),
        model=ModelConfig(form="paper", width=64, relaxation="soft", temperature=0.1),
        train=TrainConfig(epochs=30, patience=6, validation_users=1000, learning_rate=3e-3, l2=0.003),
    ),
    "demo": Config(
        preset="demo",
        graph=GraphConfig(candidates=80),
        model=ModelConfig(width=256),
        train=TrainConfig(batch=2000),
    ),
}


def preset(name: str) -> Config:
    """The preset called `name`; raises InputError for an unknown one."""
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}: expected one of {', '.join(PRESETS)}")
    return PRESETS[name]
