"""Several processes at one training: `torchrun --nproc-per-node 2 -m dskreg train ...`. Alone, everything
here is a no-op.

Every process knows the data and makes the whole batch; of its users (or triples) it computes its own (Part).
Gradients are averaged by DistributedDataParallel. A run may go on with another number of processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

PATIENCE = timedelta(hours=12)  # the others wait while the first tests, projects and saves


@dataclass(frozen=True)
class Part:
    """Which part of every batch this process computes: `rank` of `size`."""

    rank: int = 0
    size: int = 1

    @property
    def rows(self) -> slice:
        """The positions that are this process's: every `size`-th."""
        return slice(self.rank, None, self.size)


WHOLE = Part()


@contextmanager
def joined(device: str = "auto") -> Iterator[Part]:
    """Join the process group that torchrun started, if any, until the end of the block."""
    if "TORCHELASTIC_RUN_ID" not in os.environ or dist.is_initialized():
        yield part()
        return
    on_card = device != "cpu" and torch.cuda.is_available()
    if on_card:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_card else "gloo", timeout=PATIENCE)
    try:
        yield part()
        dist.barrier()  # no process leaves while another still works
    finally:
        dist.destroy_process_group()


def part() -> Part:
    """This process's rank among how many."""
    return Part(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else WHOLE


def leads() -> bool:
    """Is this the process that reports and writes?"""
    return part().rank == 0


def total(tensor: Tensor) -> Tensor:
    """The sum over the processes, without gradient."""
    if part().size > 1:
        tensor = tensor.clone()
        dist.all_reduce(tensor)
    return tensor


def wait() -> None:
    """Until all processes have come here."""
    if part().size > 1:
        dist.barrier()


def share(objective: nn.Module) -> nn.Module:
    """The objective as all processes work at it."""
    if part().size == 1:
        return objective
    return nn.parallel.DistributedDataParallel(
        objective, broadcast_buffers=False, gradient_as_bucket_view=True
    )
