"""Monte Carlo draws: how often each candidate is drawn, beside the exact probability, and the distribution of
the score.

    frequency_n(j) = draws that contain j among the first n / n
                     -> pi_j, the exact inclusion probability (sampling.py)
    band           = the central 95 % of Binomial(n, pi_j) / n, for each candidate alone

Draw number c is the one that `explain(seed=seed + c)` makes: the same noise, all passes in one call of the
model (user c meets item c).

The hard draw, and with it every score that is served, does not depend on the temperature tau. The relaxed
score does: it has the relaxed K-hot of sampling.py in the place of the hard picks, as training's gradient
sees it, and tends to the hard score as tau goes to 0.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from dskreg.errors import InputError
from dskreg.model.aggregation import Trace
from dskreg.model.sampling import DrawSettings, inclusion_probability
from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel

MOST = 5000
CHUNK = 512  # draws in one pass: bounds the block [CHUNK, S, D]
POINTS = 60  # of the running frequency, evenly spaced in log n
BAND = 0.95


@dataclass(frozen=True)
class Repeats:
    """Many draws of one user and one item.

    frame:   per candidate, the likeliest first: item_id, title, relation, logit, inclusion_probability,
             frequency, low, high (of the band)
    running: candidate (row of `frame`), n, frequency among the first n draws, low, high (of the band at n)
    score:   `[count]` of each draw
    """

    seed: int
    frame: pd.DataFrame
    running: pd.DataFrame
    score: np.ndarray

    @property
    def count(self) -> int:
        """How many draws."""
        return len(self.score)


def repeat(
    core: TrainedModel, profile: Profile, item_id: object, count: int, settings: DrawSettings
) -> Repeats:
    """The draws of `count` seeds from `settings.seed` on. InputError for a count outside 1 .. MOST."""
    if not 1 <= count <= MOST:
        raise InputError(f"count: expected 1 to {MOST:,} draws (got {count})")
    user, history = core.history(profile)
    item, seed = core.directory.item(item_id), settings.seed or 0
    picked, score = draws(core, user, history, item, range(seed, seed + count), settings)
    neighbour = core.graph.neighbour[item, : picked.shape[1]]
    logit = core.model.item_logits(torch.tensor([item]))[0, : picked.shape[1]].double().numpy()
    exact = inclusion_probability(logit, settings.picks)
    low, high = band(exact, count)
    frame = pd.DataFrame(
        {
            "item_id": [core.directory.item_ids[j] for j in neighbour],
            "title": core.directory.titles[neighbour],
            "relation": [core.graph.relations[r] for r in core.graph.relation[item, : len(neighbour)]],
            "logit": logit,
            "inclusion_probability": exact,
            "frequency": picked.mean(0),
            "low": low,
            "high": high,
        }
    )
    order = np.argsort(-exact, kind="stable")
    return Repeats(
        seed, frame.iloc[order].reset_index(drop=True), running(picked[:, order], exact[order]), score
    )


def draws(
    core: TrainedModel, user: int, history: np.ndarray, item: int, seeds: range, settings: DrawSettings
) -> tuple[np.ndarray, np.ndarray]:
    """What each seed draws: (`[seeds, C]` bool over the item's C candidates, scores `[seeds]`)."""
    candidates = int((core.graph.neighbour[item] >= 0).sum())
    picked, score = np.zeros((len(seeds), candidates), dtype=bool), np.zeros(len(seeds))
    for start in range(0, len(seeds), CHUNK):
        part = slice(start, start + CHUNK)
        trace = _passes(core, user, history, item, seeds[part], settings)
        row, slot = np.nonzero(trace.item.draw.picked.numpy())
        picked[start + row, trace.item.draw.slot.numpy()[row, slot]] = True
        score[part] = trace.score.numpy()
    return picked, score


def _passes(
    core: TrainedModel, user: int, history: np.ndarray, item: int, seeds: range, settings: DrawSettings
) -> Trace:
    """One pass per seed, in one batch (B = N = seeds)."""
    of_user, of_item = zip(*(core.noise(user, history, item, seed) for seed in seeds), strict=True)
    n = len(seeds)
    items = torch.full((n,), item)
    hop = core.user_hop(user, history, torch.cat(of_user), settings.user_picks)
    item_hop = core.model.item_hop(
        hop.output, items, core.model.draw_items(items, torch.cat(of_item), settings.picks), paired=True
    )
    return Trace(hop, item_hop, item_hop.score.squeeze(1))


def running(picked: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """candidate, n, frequency, low, high of the draws `[count, C]`, at up to POINTS values of n from 1 to
    count.
    """
    count, candidates = picked.shape
    n = np.unique(np.geomspace(1, count, POINTS).round().astype(int))
    frequency = picked.cumsum(0)[n - 1] / n[:, None]
    low, high = band(probability[None], n[:, None])
    columns = {"frequency": frequency, "low": low, "high": high}
    frame = pd.DataFrame({"candidate": np.tile(np.arange(candidates), len(n)), "n": np.repeat(n, candidates)})
    return frame.assign(**{name: values.ravel() for name, values in columns.items()})


def band(probability: np.ndarray, n: int | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Between which frequencies n draws of events of these probabilities lie, BAND of the time; both ends
    belong to it. They broadcast.
    """
    from scipy.stats import binom  # slow to import

    exact = np.clip(probability, 0.0, 1.0)
    low, high = (binom.ppf(q, n, exact) / n for q in ((1 - BAND) / 2, (1 + BAND) / 2))
    return np.maximum(low, 0.0), high  # binom.ppf says -1 for a probability of 0


def relaxed_score(core: TrainedModel, profile: Profile, item_id: object, settings: DrawSettings) -> float:
    """The score with the relaxed weights of training in the place of whatever is picked."""
    user, history = core.history(profile)
    softened = copy.copy(core)
    softened.model = copy.copy(core.model)  # the same weights
    softened.model.config = replace(core.model.config, relaxation="soft", temperature=settings.temperature)
    softened.model.training = True  # of the copy alone: the model relaxes its draw only while it learns
    with torch.enable_grad():  # the weights ask for no gradient, so none is kept
        return float(softened.trace(user, history, core.directory.item(item_id), settings).score)
