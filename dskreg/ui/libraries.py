"""The model's libraries, imported once per process: most of what the first visitor waits for."""

import gc
from functools import cache


@cache  # once per process: what is frozen is never looked through again
def load() -> None:
    """Import dskreg.explorer with Python's collector of cycles at rest; with it, a tenth to a third of a second goes into looking through new classes.

    Afterwards all that is there stays out of later collections: Streamlit makes a whole one at the end of every run, 0.1 s of which torch and pandas take.
    """
    gc.disable()
    try:
        import torch

        import dskreg.explorer  # noqa: F401

        # Every visitor has a thread of her own. Several to a product, which take milliseconds, would wait for each other's processors by spinning.
        torch.set_num_threads(1)
        gc.freeze()  # before the collector wakes, or it would look through them all once
    finally:
        gc.enable()
