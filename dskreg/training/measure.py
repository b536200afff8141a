"""An epoch's line: what training is for, measured on validation."""

from __future__ import annotations

import math
import time

import torch

from dskreg.config import Config, TrainConfig
from dskreg.data.dataset import VALIDATION, Dataset
from dskreg.errors import InputError
from dskreg.evaluation.cold import ColdItems
from dskreg.evaluation.evaluate import evaluate
from dskreg.evaluation.metrics import NotANumber
from dskreg.evaluation.ranking import model_scorer
from dskreg.model.dskreg import DSKReG
from dskreg.model.evidence import EvidenceDSKReG
from dskreg.storage import tensors
from dskreg.training import distributed
from dskreg.training.checkpoint import Epoch

STOP_ON = "ndcg@20"


class Diverged(InputError):
    """Loss, parameters or scores are no longer numbers. `last`: the last epoch in which all were."""

    def __init__(self, epoch: int, wrong: str, config: TrainConfig) -> None:
        rate = f"train.learning_rate ({config.learning_rate:g})"
        super().__init__(f"training diverged at epoch {epoch}, {wrong}: lower {rate}")
        self.last = epoch - 1


class Measure:
    """The epochs' lines."""

    def __init__(self, model: DSKReG, dataset: Dataset, config: Config, hidden: ColdItems | None) -> None:
        self.model, self.dataset, self.config, self.hidden = model, dataset, config.train, hidden

    def __call__(self, epoch: int, loss: float | None, seconds: float) -> Epoch:
        """Raises Diverged, in every process, where a number of it or of the model is none."""
        began = time.perf_counter()
        if loss is not None and not math.isfinite(loss):
            raise Diverged(epoch, f"the loss is {loss}", self.config)
        if broken := _out_of_range(self.model):
            raise Diverged(epoch, f"{broken} is out of range", self.config)
        part = distributed.part()
        try:
            figures = [*self._sums(part), sampling_entropy(self.model)]
        except NotANumber:
            figures = [math.nan] * 4
        ndcg, recall, count, entropy = distributed.total(torch.tensor(figures, dtype=torch.float64)).tolist()
        if not math.isfinite(entropy):
            raise Diverged(epoch, "its scores are too large", self.config)
        means = (ndcg / count, recall / count) if count else (None, None)
        hidden = None
        if self.hidden is not None and isinstance(self.model, EvidenceDSKReG):
            hidden = float(self.hidden.ndcg(self.model).mean())
        return Epoch(
            epoch,
            loss,
            entropy / part.size,
            means[0],
            means[1],
            hidden,
            seconds,
            time.perf_counter() - began,
        )

    def _sums(self, part: distributed.Part) -> tuple[float, float, int]:
        """NDCG@20 and recall@20 summed over the users of this part, and how many these are."""
        if not self.dataset.folds.validation.nnz:
            return 0.0, 0.0, 0
        scorer = model_scorer(self.model)
        ranking = evaluate(scorer, self.dataset, VALIDATION, self.config.validation_users, part.rows)
        ndcg, recall = (float(ranking.per_user[name].sum()) for name in (STOP_ON, "recall@20"))
        return ndcg, recall, len(ranking.counted)


@torch.no_grad()
def _out_of_range(model: DSKReG) -> str:
    """The first parameter with a value that no artifact may hold, NaN among them, in any process; "" where
    there is none.
    """
    forms, values, broken = tensors.weights(model.config), model.state_dict(), []
    for name, form in forms.items():
        value = values[name]
        broken.append(
            ~((value >= form.least) & (value <= (math.inf if form.most is None else form.most))).all()
        )
    found = distributed.total(torch.stack(broken).float()).tolist()
    return next((name for name, count in zip(forms, found, strict=True) if count), "")


@torch.no_grad()
def sampling_entropy(model: DSKReG) -> float:
    """Mean over items with at least two candidates of H(softmax(s)) / log(candidates)."""
    logit = model.item_logits(torch.arange(len(model.item_embedding), device=model.item_embedding.device))
    count = torch.isfinite(logit).sum(1)
    logit, count = logit[count >= 2], count[count >= 2]
    if not len(count):
        return 0.0
    log_p = torch.log_softmax(logit, 1)
    return float((-(log_p.exp() * log_p.masked_fill(log_p == -torch.inf, 0)).sum(1) / count.log()).mean())
