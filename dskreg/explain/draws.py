"""Monte Carlo draws: how often each candidate is drawn, beside the exact probability, the distribution of the
score, and what other draws would do to the whole list.

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
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from dskreg.errors import InputError
from dskreg.evaluation.ranking import ranks, require_length
from dskreg.model.aggregation import Trace
from dskreg.model.sampling import DrawSettings, draw, inclusion_probability, node_noise
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


@dataclass(frozen=True)
class ListSamples:
    """Samples of the whole catalogue for one user, and of them what concerns one item and the list's top."""

    rank: np.ndarray  # [n] of the item, or the rank that it would have
    listed: np.ndarray  # [n, top] positions of the best items, -1 filled
    picked: np.ndarray  # [n, C] bool over the item's candidates
    leading: np.ndarray  # [n] the picked candidate that adds most to the score, -1 where none is picked


@dataclass(frozen=True)
class Stability:
    """What another sample would change.

    rank:       `[n]` of the item in each sample; `served`: without noise
    overlap:    mean share of the top that two samples have in common; `kept`: a sample and the served list
    items:      item_id, title, share (of the samples with it in the top), rank (without noise) of all in the
                top of any sample or of the served list, the most frequent first
    neighbours: item_id, title, relation, inclusion_probability, frequency, leading (share of the samples in
                which it adds most), picked (without noise) of the item's candidates, the likeliest first
    """

    rank: np.ndarray
    served: int
    overlap: float
    kept: float
    items: pd.DataFrame
    neighbours: pd.DataFrame

    @property
    def count(self) -> int:
        """How many samples."""
        return len(self.rank)


@torch.no_grad()
def list_samples(
    core: TrainedModel, profile: Profile, item_id: object, seeds: range, top: int, settings: DrawSettings
) -> ListSamples:
    """One sample of every item's neighbours for each seed, as `explain(seed=...)` makes them; all scores are
    the model's. InputError for more than MOST seeds or an unknown item.
    """
    if not 1 <= len(seeds) <= MOST:
        raise InputError(f"count: expected 1 to {MOST:,} draws (got {len(seeds)})")
    require_length(top)
    user, history = core.history(profile)
    item, model, logit = core.directory.item(item_id), core.model, core.drawn.logit
    shown, candidates = ~core.hidden(profile), int((core.graph.neighbour[item] >= 0).sum())
    n = len(seeds)
    rank, leading = np.zeros(n, dtype=np.int64), np.full(n, -1)
    listed, picked = np.full((n, top), -1), np.zeros((n, candidates), dtype=bool)
    hop = None
    for row, seed in enumerate(seeds):
        if hop is None or not core.all_liked:  # with all likes taken, every seed gives the same user
            hop = core.user_hop(user, history, core.noise(user, history, item, seed)[0], settings.user_picks)
        noise = torch.from_numpy(node_noise(2 * seed, None, logit.shape[1], len(logit)))
        drawn = draw(logit, noise, settings.picks)
        hops = model.item_hop(hop.output, core.all_items, drawn)
        place = ranks(core.order(profile, hops.score[:, 0].numpy()), shown)
        rank[row] = place[item]
        best = np.flatnonzero(shown & (place <= top))
        listed[row, : len(best)] = best[np.argsort(place[best])]
        slot, taken = drawn.slot[item].numpy(), drawn.picked[item].numpy()
        picked[row, slot[taken]] = True
        if taken.any():
            leading[row] = slot[taken][int(hops.contribution[item, :, 0].numpy()[taken].argmax())]
    return ListSamples(rank, listed, picked, leading)


def stability(
    core: TrainedModel,
    profile: Profile,
    item_id: object,
    samples: Sequence[ListSamples],
    settings: DrawSettings,
) -> Stability:
    """What the samples, at least one, say together."""
    rank, listed, picked, leading = (
        np.concatenate([getattr(part, name) for part in samples])
        for name in ("rank", "listed", "picked", "leading")
    )
    item, shown, n = core.directory.item(item_id), ~core.hidden(profile), len(rank)
    served = ranks(core.order(profile, core.scores(profile)), shown)
    times = np.bincount(listed[listed >= 0], minlength=len(served))
    best = shown & (served <= listed.shape[1])
    filled = max(1, int((listed >= 0).sum()))
    # Of all ordered pairs of two samples, those in which the second has the item too
    pairs = float((times * (times - 1.0)).sum() / (filled * (n - 1))) if n > 1 else 1.0
    those = np.flatnonzero(best | (times > 0))
    items = core.rows(those)[["item_id", "title"]].assign(share=times[those] / n, rank=served[those])
    logit = core.drawn.logit[item, : picked.shape[1]].double().numpy()
    row = core.graph.neighbour[item, : picked.shape[1]]
    taken = np.zeros(core.graph.neighbour.shape[1], dtype=bool)
    free = draw(core.drawn.logit[[item]], None, settings.picks)
    taken[free.slot[0][free.picked[0]].numpy()] = True
    neighbours = pd.DataFrame(
        {
            "item_id": [core.directory.item_ids[j] for j in row],
            "title": core.directory.titles[row],
            "relation": [core.graph.relations[r] for r in core.graph.relation[item, : len(row)]],
            "inclusion_probability": inclusion_probability(logit, settings.picks),
            "frequency": picked.mean(0),
            "leading": np.bincount(leading[leading >= 0], minlength=len(row)) / n,
            "picked": taken[: len(row)],
        }
    )
    by = ["share", "rank"]
    return Stability(
        rank=rank,
        served=int(served[item]),
        overlap=pairs,
        kept=float(times[best].sum() / filled),
        items=items.sort_values(by, ascending=[False, True], ignore_index=True),
        neighbours=neighbours.sort_values(
            "inclusion_probability", ascending=False, kind="stable", ignore_index=True
        ),
    )


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
