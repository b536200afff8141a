"""The score that the relaxed draw would give: what training's gradient sees in the place of the hard picks.

    y_j >= 0, sum_j y_j = K: the relaxed K-hot at temperature tau (sampling.py); alpha_j = y_j exp(x_j) /
    sum_j' y_j' exp(x_j')

The hard draw, and with it every score that is served, does not depend on tau; this one does, and tends to the
hard one's as tau goes to 0.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import torch

from dskreg.serving.directory import Profile
from dskreg.serving.trained import TrainedModel


def relaxed_score(
    core: TrainedModel, profile: Profile, item_id: object, seed: int | None, settings: dict[str, Any]
) -> float:
    """The relaxed score of one person and one title; `settings` holds picks, user_picks and temperature (of
    both sides).
    """
    user, history = core.history(profile)
    softened = copy.copy(core)
    softened.model = copy.copy(core.model)  # the same weights
    softened.model.config = replace(core.model.config, relaxation="soft", temperature=settings["temperature"])
    softened.model.training = True  # of the copy alone: the model relaxes its draw only while it learns
    with torch.enable_grad():  # the weights ask for no gradient, so none is kept
        return float(softened.trace(user, history, core.directory.item(item_id), seed, settings).score)
