"""Settings: frozen dataclasses, validated when built, written to and read from JSON.

A preset is a complete `Config`. `paper` follows the publication (BPR, one uniform negative, tanh, K = 8, tau = 0.1, M = 500, D = 16);
`default` keeps the same model and replaces what training taught to replace (docs/model.md lists each deviation and its reason).
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from dskreg.errors import InputError

LONGEST = 200  # characters of a value in a complaint


def _require(ok: bool, name: str, expected: str, got: object) -> None:
    if not ok:
        said = repr(got)
        raise InputError(f"setting {name}: expected {expected} (got {said if len(said) <= LONGEST else said[:LONGEST] + '...'})")


def _require_finite(settings: Any, section: str) -> None:
    """No comparison refuses NaN for certain, and JSON has neither NaN nor infinities."""
    for f in dataclasses.fields(settings):
        value = getattr(settings, f.name)
        _require(not isinstance(value, float) or math.isfinite(value), f"{section}.{f.name}", "a finite number", value)


@dataclass(frozen=True)
class DataConfig:
    """What counts as liked and how it is split."""

    like_threshold: float = 7.0  # a rating of at least this is a like; -1 means watched and is never one
    core: int = 5  # users and titles with fewer likes stay out of training and tests (only where the split is ours)
    validation: float = 0.1  # share of each user's likes
    test: float = 0.2  # share of each user's likes; a data set with its own test split keeps that
    split_seed: int = 0

    def __post_init__(self) -> None:
        _require(self.split_seed >= 0, "data.split_seed", "at least 0", self.split_seed)
        _require(self.core >= 1, "data.core", "at least 1", self.core)
        _require(self.validation > 0, "data.validation", "a share above 0", self.validation)
        _require(self.test > 0, "data.test", "a share above 0", self.test)
        _require(self.validation + self.test < 1, "data.validation + data.test", "less than 1", self.validation + self.test)
        _require_finite(self, "data")


@dataclass(frozen=True)
class GraphConfig:
    """The relational item graph: who may be a candidate."""

    candidates: int = 128  # M, per item
    without: tuple[str, ...] = ()  # relations switched off
    max_relations: int = 12  # of the knowledge graph, by the number of items they connect; co-liked comes on top
    min_items: int = 20  # a relation that connects fewer items is left out
    max_share: float = 0.5  # an entity carried by more than this share of the items connects nobody

    def __post_init__(self) -> None:
        _require(self.candidates >= 1, "graph.candidates", "at least 1", self.candidates)
        _require(self.max_relations >= 0, "graph.max_relations", "at least 0", self.max_relations)
        _require(0 < self.max_share <= 1, "graph.max_share", "a share above 0", self.max_share)
        _require_finite(self, "graph")


@dataclass(frozen=True)
class ModelConfig:
    """The network of docs/model.md."""

    width: int = 1024  # D
    picks: int = 8  # K on the item side
    user_picks: int = 8  # K on the user side
    temperature: float = 0.1  # tau of the relaxed top-k
    relaxation: Literal["straight-through", "soft"] = "straight-through"
    activation: Literal["linear", "tanh"] = "linear"
    user: Literal["items", "free"] = "items"  # e_u: from the history, or a parameter of its own
    gates: bool = True  # a learnt weight per relation on the neighbour term
    gate_start: float = 0.1
    prior: bool = True  # the candidate's strength (idf overlap, co-liking) enters its logit with a learnt weight
    prior_start: float = 1.0

    def __post_init__(self) -> None:
        for name in ("width", "picks", "user_picks"):
            _require(getattr(self, name) >= 1, f"model.{name}", "at least 1", getattr(self, name))
        _require(self.gate_start > 0, "model.gate_start", "more than 0", self.gate_start)
        _require(self.temperature > 0, "model.temperature", "more than 0", self.temperature)
        _require_finite(self, "model")


@dataclass(frozen=True)
class TrainConfig:
    """How the parameters are found."""

    objective: Literal["softmax", "bpr"] = "softmax"  # masked histories against the catalogue, or (user, liked, other) triples
    start: Literal["svd", "random"] = "svd"
    epochs: int = 100
    patience: int = 6  # epochs without a better validation NDCG@20
    gates_by: Literal["cold", "all"] = "cold"  # which titles tell what a relation's first gate should be (gates.py)
    validation_users: int = 2000  # asked after each epoch, at most; the test asks everybody
    batch: int = 256  # users (softmax) or pairs (bpr)
    refit: bool = True  # once more with the validation likes, for as many epochs as were best
    learning_rate: float = 5e-5
    sampler_learning_rate: float = 3e-4  # of the logits' own vectors, relations, gates and priors
    weight_decay: float = 0.005  # the share that every step takes off embeddings and towers, whatever the learning rate (decoupled)
    l2: float = 0.0  # lambda: times the squared norm of the embeddings that a bpr batch touched
    alternatives: int = 4096  # titles that compete in a softmax step, at most: a uniform sample, the same for the whole batch
    hide_least: float = 0.3  # the hidden share of a history is drawn uniformly between the two
    hide_most: float = 0.5
    device: str = "auto"  # auto, cpu, cuda, cuda:1, mps
    mixed_precision: bool = True  # on CUDA only
    shard: bool = False  # of several processes each keeps its rows of the parameters and of the optimiser's state

    def __post_init__(self) -> None:
        _require(self.epochs >= 0, "train.epochs", "at least 0", self.epochs)
        _require(self.patience >= 1, "train.patience", "at least 1", self.patience)
        _require(self.batch >= 1, "train.batch", "at least 1", self.batch)
        _require(self.validation_users >= 1, "train.validation_users", "at least 1", self.validation_users)
        _require(self.alternatives >= 1, "train.alternatives", "at least 1", self.alternatives)
        _require(self.learning_rate > 0, "train.learning_rate", "more than 0", self.learning_rate)
        _require(0 <= self.weight_decay < 1, "train.weight_decay", "at least 0 and less than 1", self.weight_decay)
        _require(0 < self.hide_least <= self.hide_most < 1, "train.hide_least and hide_most", "0 < least <= most < 1", (self.hide_least, self.hide_most))
        _require_finite(self, "train")


@dataclass(frozen=True)
class ProjectionConfig:
    """The t-SNE maps, and the clusters that their regions are named by."""

    users: int = 2000  # at most so many users are placed
    perplexity: float = 30.0
    iterations: int = 500
    quality_sample: int = 1000  # points whose neighbourhoods are compared
    clusters: int = 20  # at most, of titles and of users

    def __post_init__(self) -> None:
        _require(self.perplexity > 0, "projection.perplexity", "more than 0", self.perplexity)
        _require(self.clusters >= 1, "projection.clusters", "at least 1", self.clusters)
        _require_finite(self, "projection")


@dataclass(frozen=True)
class Config:
    """Everything that decides the outcome of a training run, besides the data."""

    preset: str = "default"
    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    graph: GraphConfig = field(default_factory=GraphConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    projection: ProjectionConfig = field(default_factory=ProjectionConfig)

    def __post_init__(self) -> None:
        _require(0 <= self.seed < 2**32, "seed", "a whole number from 0 to 2^32 - 1", self.seed)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists and numbers."""
        document = dataclasses.asdict(self)
        document["graph"]["without"] = list(self.graph.without)
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Config:
        """The inverse of `to_json`; raises InputError for an unknown or ill-typed field."""
        return _build(cls, document, "")

    def override(self, path: str, text: str) -> Config:
        """A copy with the setting at `path` (such as `model.width`) parsed from `text`."""
        section, _, name = path.rpartition(".")
        owner: Any = self if not section else getattr(self, section) if section in (f.name for f in dataclasses.fields(self)) else None
        names = [f.name for f in dataclasses.fields(owner)] if dataclasses.is_dataclass(owner) else []
        if name not in names or dataclasses.is_dataclass(getattr(owner, name)):
            near = difflib.get_close_matches(path[:LONGEST], setting_paths(), n=1, cutoff=0.4)
            raise InputError(f"unknown setting {path[:LONGEST]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        changed = replace(owner, **{name: _parse(get_type_hints(type(owner))[name], text, path)})
        whole: dict[str, Any] = {section: changed}
        return replace(self, **whole) if section else changed


def setting_paths() -> list[str]:
    """Every path that `Config.override` accepts."""
    paths = []
    for outer in dataclasses.fields(Config):
        value = getattr(Config(), outer.name)
        paths += [f"{outer.name}.{f.name}" for f in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else [outer.name]
    return paths


def _parse(kind: Any, text: str, path: str) -> Any:
    """`text` as a value of the annotation `kind`."""
    if get_origin(kind) is Literal:
        _require(text in get_args(kind), path, "one of " + ", ".join(get_args(kind)), text)
        return text
    if get_origin(kind) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind is bool:
        _require(text.lower() in ("true", "false"), path, "true or false", text)
        return text.lower() == "true"
    with suppress(ValueError):
        return kind(text)
    _require(False, path, kind.__name__, text)


def _build(kind: type, document: Any, path: str) -> Any:
    """An instance of the dataclass `kind` from plain JSON values, strictly."""
    _require(isinstance(document, dict), path or "config", "a JSON object", document)
    hints = get_type_hints(kind)
    unknown = set(document) - set(hints)
    _require(not unknown, path or "config", "known settings", sorted(unknown))
    values = {}
    for name, value in document.items():
        here, hint = f"{path}{name}", hints[name]
        if dataclasses.is_dataclass(hint):
            values[name] = _build(hint, value, here + ".")  # type: ignore[arg-type]
        elif get_origin(hint) is tuple:
            _require(isinstance(value, list) and all(isinstance(v, str) for v in value), here, "a list of names", value)
            values[name] = tuple(value)
        elif get_origin(hint) is Literal:
            _require(value in get_args(hint), here, "one of " + ", ".join(get_args(hint)), value)
            values[name] = value
        elif hint is float and isinstance(value, int) and not isinstance(value, bool):
            _require(abs(value) < 2**1023, here, "a finite number", value)
            values[name] = float(value)
        else:
            _require(type(value) is hint, here, hint.__name__, value)
            values[name] = value
    return kind(**values)


PRESETS: dict[str, Config] = {
    "default": Config(),
    "paper": Config(
        preset="paper",
        graph=GraphConfig(candidates=500),
        model=ModelConfig(width=16, activation="tanh", user="free", gates=False, prior=False),
        train=TrainConfig(
            objective="bpr", start="random", epochs=60, batch=128, refit=False, learning_rate=1e-3, sampler_learning_rate=1e-3, weight_decay=0.0, l2=1e-3
        ),
    ),
}


DEMO = Config(
    preset="demo",
    graph=GraphConfig(candidates=120, without=("co-liked",)),
    model=ModelConfig(width=64),
    train=TrainConfig(patience=10, batch=128, gates_by="all", sampler_learning_rate=3e-3, weight_decay=0.0),
)
"""The default preset at the size of the bundled demo, whose neighbours all come from the knowledge graph."""


def preset(name: str) -> Config:
    """The preset called `name`; raises InputError for an unknown one."""
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}: expected one of {', '.join(PRESETS)}")
    return PRESETS[name]
