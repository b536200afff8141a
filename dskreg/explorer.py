"""The only door to a trained model for the app and for the command line's reading commands: plain values and DataFrames come out.

One artifact, read-only and shared by all sessions: nothing here changes after `open` besides caches of derived values. Every list, score
and explanation comes from the same `DSKReG.forward` parts that training uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from dskreg import artifact as artifacts
from dskreg.errors import InputError
from dskreg.explanation import Explanation, explain
from dskreg.metrics import top_items
from dskreg.model import NOBODY, DSKReG, Trace
from dskreg.people import Directory, Profile, plain
from dskreg.projection import nearest
from dskreg.reasons import reasons
from dskreg.sampling import node_noise
from dskreg.serving import model_scorer, rankings

__all__ = ["Explanation", "Explorer", "InputError", "Profile", "list_artifacts"]

SHOWN_IDS = 1000


def list_artifacts(folder: str | Path) -> list[str]:
    """The names of the sub-folders that look like artifacts, sorted."""
    root = Path(folder)
    return sorted(p.name for p in root.iterdir() if (p / artifacts.MANIFEST).is_file()) if root.is_dir() else []


class Explorer:
    """An opened artifact."""

    def __init__(self, path: Path, loaded: artifacts.Artifact) -> None:
        assert loaded.manifest is not None
        self.path, self._artifact, data = path, loaded, loaded.dataset
        self.name, self.content = path.name, str(loaded.manifest["content"])
        self.simulated = data.format == "demo"
        self.model = DSKReG(loaded.config.model, loaded.graph, len(data.user_ids))
        self.model.load_state_dict({k: torch.from_numpy(v) for k, v in loaded.weights.items()})
        self.model.requires_grad_(False)
        self.directory = Directory(data, loaded.config.graph.max_share)
        self.user_ids, self.user_count = data.user_ids, len(data.user_ids)
        self.genres, self.relations = self.directory.genre_names, list(loaded.graph.relations)
        self.items = data.items.assign(likes=self.directory.likes, candidates=(loaded.graph.neighbour >= 0).sum(1))
        for column in ("type", "genres"):
            self.items[column] = self.items[column].fillna("").astype(str) if column in self.items else ""
        self.types = [t for t in self.items["type"].value_counts().index if t]
        model = loaded.config.model
        self.defaults = {"picks": model.picks, "user_picks": model.user_picks, "temperature": model.temperature}
        self._all_items = torch.arange(len(self.items))
        self._drawn = self.model.draw_items(self._all_items)  # without noise the same for everybody

    @classmethod
    def open(cls, path: str | Path) -> Explorer:
        """Read and verify the artifact at `path`. Raises InputError, in words, when it is missing, incomplete, altered or foreign."""
        try:
            return cls(Path(path), artifacts.load(Path(path)))
        except (RuntimeError, ValueError, KeyError, IndexError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path}: weights and tables do not fit together; train it again") from None

    def info(self) -> dict[str, Any]:
        """What the artifact holds and how it was made; every file's hash was verified when it was opened."""
        manifest, run = self._artifact.manifest or {}, self._artifact.run
        return {
            "name": self.name,
            "dataset": self._artifact.dataset.name,
            "users": self.user_count,
            "user_ids": [plain(u) for u in self.user_ids[:SHOWN_IDS]],
            "items": len(self.items),
            "interactions": len(self._artifact.dataset.user),
            "relations": self.relations,
            "notes": list(self._artifact.dataset.notes),
            "config": self._artifact.config.to_json(),
            **run,
            "files": manifest["files"],
            "content": self.content,
            "valid": True,
        }

    # People and titles

    def find_users(self, text: str = "", genre: str | None = None, limit: int = 50) -> pd.DataFrame:
        """user_id, liked, seen, favourites of the people whose id begins with `text`; with `genre` those who like it most first."""
        return self.directory.find_users(text, genre, limit)

    def random_user(self, seed: int) -> Any:
        """Somebody with a history, the same for the same seed."""
        active = np.flatnonzero(np.diff(self.directory.history.indptr))
        if not len(active):
            raise InputError(f"{self.name}: nobody here has a history")
        return plain(self.user_ids[np.random.default_rng(seed).choice(active)])

    def profile(self, user_id: object) -> Profile:
        """Somebody in the data; InputError for an unknown id."""
        return self.directory.profile(user_id)

    def profile_of(self, item_ids: Iterable[object]) -> Profile:
        """A profile made by hand; InputError that names unknown titles."""
        return self.directory.profile_of(item_ids)

    def taste(self, profile: Profile) -> pd.DataFrame:
        """genre, liked, share, lift: what the profile likes beside what everybody likes."""
        return self.directory.taste(profile)

    def liked(self, profile: Profile) -> pd.DataFrame:
        """The history's titles, the best known first."""
        return self._rows([self.directory.item(i) for i in profile.history]).sort_values("likes", ascending=False, ignore_index=True)

    def find_items(self, text: str, limit: int = 20) -> pd.DataFrame:
        """Titles that contain `text`, whatever its case and diacritics."""
        return self._rows(self.directory.find_items(text, limit))

    def item(self, item_id: object) -> dict[str, Any]:
        """One title's row; InputError for an unknown id."""
        row = self.items.iloc[self.directory.item(item_id)]
        return {str(k): None if pd.isna(v) else plain(v) for k, v in row.items()}

    def _rows(self, positions: Iterable[int]) -> pd.DataFrame:
        return self.items.iloc[list(positions)][["item_id", "title", "type", "genres", "likes"]].reset_index(drop=True)

    def similar(self, item_id: object, k: int = 10) -> pd.DataFrame:
        """The k nearest titles in the original space (cosine of the embeddings after the graph), not on the map."""
        positions, similarity = nearest(self._representation, self.directory.item(item_id), k)
        return self._rows(positions).assign(similarity=similarity)

    @cached_property
    def _representation(self) -> np.ndarray:
        return self.model.representation()[1].numpy()

    # The model

    def _history(self, profile: Profile) -> tuple[int, np.ndarray]:
        """(user position or NOBODY, positions of the history)."""
        user = NOBODY if profile.user_id is None else self.directory.user(profile.user_id)
        return user, np.array([self.directory.item(i) for i in profile.history], dtype=np.int64)

    def scores(self, profile: Profile) -> np.ndarray:
        """Noise-free scores of the whole catalogue, `[I]`."""
        user, history = self._history(profile)
        hop = self.model.user_hop(torch.tensor([user]), self._padded(history))
        return self.model.item_hop(hop.output, self._all_items, self._drawn).score[:, 0].numpy()

    @staticmethod
    def _padded(history: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(history if len(history) else np.array([-1]))[None]

    def recommend(self, profile: Profile, top: int = 10, hide_seen: bool = True, genres: Iterable[str] = (), types: Iterable[str] = ()) -> pd.DataFrame:
        """rank, item_id, title, type, genres, score, seen, held_out, reason of the best titles that pass the filters.

        A title passes with any of `genres` and any of `types`; no filter lets all pass. What a hand-made profile lists is always left out.
        Raises InputError when `top` is below 1.
        """
        if top < 1:
            raise InputError(f"top: expected at least 1 (got {top})")
        score, seen = self.scores(profile), np.zeros(len(self.items), dtype=bool)
        seen[[self.directory.item(i) for i in profile.seen]] = True
        hidden = seen.copy() if hide_seen or profile.user_id is None else np.zeros(len(seen), dtype=bool)
        genres, types = set(genres), set(types)
        if genres:
            hidden |= [not genres & set(row) for row in self.directory.genres]
        if types:
            hidden |= ~self.items["type"].isin(types).to_numpy()
        ranked = top_items(score[None], sparse.csr_matrix(hidden[None]), min(top, len(score)))[0]
        ranked = ranked[ranked >= 0]
        held_out = (
            self.directory.held_out[self.directory.user(profile.user_id)].toarray()[0] > 0 if profile.user_id is not None else np.zeros(len(seen), dtype=bool)
        )
        frame = self._rows(ranked).drop(columns="likes")
        frame.insert(0, "rank", np.arange(1, len(ranked) + 1))
        return frame.assign(score=score[ranked], seen=seen[ranked], held_out=held_out[ranked], reason=self._reasons(profile, ranked))

    def _reasons(self, profile: Profile, ranked: np.ndarray) -> list[str]:
        if not len(ranked):
            return []
        user, history = self._history(profile)
        items = torch.from_numpy(ranked)
        trace = self.model(torch.tensor([user]), self._padded(history), items)
        base, gain = self.model.history_contributions(trace, items, torch.from_numpy(history))
        return reasons(self.directory, self._artifact.graph, trace, ranked, history, base.numpy(), gain.numpy())

    def lists(self, top: int, exclude: str = "seen") -> Iterator[pd.DataFrame]:
        """user_id, rank, item_id, score of everybody's best titles, a chunk of people at a time.

        exclude: `seen` leaves out everything a person has met; `train` only the history (training and validation likes), so that the
        held-out test likes can be recommended.
        """
        if top < 1:
            raise InputError(f"top: expected at least 1 (got {top})")
        known = self.directory.history
        without = self.directory.seen if exclude == "seen" else known
        ids = np.array(self.directory.item_ids)
        for who, ranked, score in rankings(model_scorer(self.model), np.arange(self.user_count), known, without, min(top, len(ids))):
            rank = np.broadcast_to(np.arange(1, ranked.shape[1] + 1), ranked.shape)
            there = ranked >= 0
            user = np.repeat(self.user_ids[who], there.sum(1))
            yield pd.DataFrame({"user_id": user, "rank": rank[there], "item_id": ids[ranked[there]], "score": score[there]})

    def explain(
        self,
        profile: Profile,
        item_id: object,
        seed: int | None = None,
        picks: int | None = None,
        user_picks: int | None = None,
        temperature: float | None = None,
    ) -> Explanation:
        """Everything about one person and one title. Seed None: no noise, the most relevant are picked. Raises InputError."""
        for name, value in (("picks", picks), ("user_picks", user_picks), ("temperature", temperature)):
            if value is not None and not value > 0:
                raise InputError(f"{name}: expected more than 0 (got {value})")
        if seed is not None and not 0 <= seed < 2**62:
            raise InputError(f"seed: expected a whole number from 0 to 2^62 (got {seed})")
        user, history = self._history(profile)
        item = self.directory.item(item_id)
        used = {key: given or self.defaults[key] for key, given in (("picks", picks), ("user_picks", user_picks), ("temperature", temperature))}
        trace = self._trace(user, history, item, seed, used)
        items = torch.tensor([item])
        base, gain = self.model.history_contributions(trace, items, torch.from_numpy(history))
        settings = {"activation": self._artifact.config.model.activation, "seed": seed, **used}
        return explain(self.directory, self._artifact.graph, trace, profile.user_id, history, item, base[:, 0].numpy(), gain[:, 0].numpy(), settings)

    def _trace(self, user: int, history: np.ndarray, item: int, seed: int | None, used: dict[str, Any]) -> Trace:
        """The pass for one person and one title. Noise belongs to (seed, title) and (seed, person, title liked): removing one title leaves the others'."""
        items = torch.tensor([item])
        item_noise = user_noise = None
        if seed is not None:
            item_noise = torch.from_numpy(node_noise(2 * seed, np.array([item]), self.model.neighbour.shape[1]))
            of_titles = node_noise(2 * seed + 1, np.array([user + 1]), len(self.items))
            user_noise = torch.from_numpy(of_titles[:, history] if len(history) else np.zeros((1, 1), dtype=np.float32))
        hop = self.model.user_hop(torch.tensor([user]), self._padded(history), user_noise, used["user_picks"])
        item_hop = self.model.item_hop(hop.output, items, self.model.draw_items(items, item_noise, used["picks"]))
        return Trace(hop, item_hop, item_hop.score.T)

    # Maps and measurements

    def item_map(self) -> pd.DataFrame:
        """The titles with their place x, y on the map, in catalogue order."""
        return self.items.assign(x=self._artifact.item_map[:, 0], y=self._artifact.item_map[:, 1])

    def user_map(self) -> pd.DataFrame:
        """user_id, x, y, liked, favourite of the people who were placed."""
        placed = self._artifact.user_map
        liked = np.diff(self.directory.history.indptr)
        users = placed["user"].to_numpy()
        favourite = [self.directory.favourites(u, 1) for u in users]
        return pd.DataFrame({"user_id": self.user_ids[users], "x": placed["x"], "y": placed["y"], "liked": liked[users], "favourite": favourite})

    def place(self, profile: Profile) -> tuple[float, float] | None:
        """Where the person stands on the user map, or None for somebody who was not placed."""
        if profile.user_id is None:
            return None
        placed = self._artifact.user_map
        row = placed[placed["user"] == self.directory.user(profile.user_id)]
        return (float(row["x"].iloc[0]), float(row["y"].iloc[0])) if len(row) else None

    def map_quality(self) -> dict[str, Any]:
        """How far the maps of `items` and `users` keep true neighbourhoods, and how they were made."""
        return dict(self._artifact.metrics["maps"])

    def metrics(self) -> dict[str, Any]:
        """users, metrics and baselines on the test split, as measured when the artifact was made."""
        return {key: self._artifact.metrics[key] for key in ("users", "metrics", "baselines")}

    def training_history(self) -> pd.DataFrame:
        """One row per epoch; epoch 0 is the start, before any step."""
        return pd.DataFrame(self._artifact.history)

    def graph_statistics(self) -> pd.DataFrame:
        """Per relation: titles that have a candidate under it, candidates, mean per title, gate, mass (mean softmax share), picks (mean, noise-free)."""
        graph, there = self._artifact.graph, self._artifact.graph.neighbour >= 0
        share = torch.softmax(self._drawn.logit, 1).nan_to_num().numpy()
        slot, picked = self._drawn.slot.numpy(), self._drawn.picked.numpy()
        drawn = np.take_along_axis(graph.relation, slot, 1)
        rows = []
        for r, name in enumerate(graph.relations):
            mine = (graph.relation == r) & there
            gate = None if self.model.gate is None else float(self.model.gate[r])
            rows.append(
                (name, int(mine.any(1).sum()), int(mine.sum()), mine.sum(1).mean(), gate, (share * mine).sum(1).mean(), ((drawn == r) & picked).sum(1).mean())
            )
        return pd.DataFrame(rows, columns=["relation", "titles", "candidates", "mean", "gate", "mass", "picks"])
