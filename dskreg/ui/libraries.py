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
        from dskreg.explorer import one_thread_each

        one_thread_each()
        gc.freeze()  # before the collector wakes, or it would look through them all once
    finally:
        gc.enable()
