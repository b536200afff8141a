"""Processes that start at once: forked from a server that has imported what training needs."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from types import ModuleType

import pytest

PRELOADED = ["dskreg.pipeline", "torch._dynamo", "openTSNE", "sklearn.cluster", "rich.console"]


def start(target: Callable[..., object], *arguments: object) -> BaseProcess:
    """A process that has begun to call `target`, a function of a module."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)  # before the first process: the server imports them once
    process = context.Process(target=target, args=arguments)
    with pytest.MonkeyPatch.context() as patch:
        # a page test leaves app.py there, which the process would run first
        patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
        process.start()
    return process
