"""`python -m dskreg`, which is the same as `dskreg`."""

from __future__ import annotations

import signal

from dskreg.cli import main


def start() -> int:
    """Run the command line as a process of its own; the exit code."""
    # A terminated process unwinds as after Ctrl-C: nothing half-written stays behind
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return main()


if __name__ == "__main__":
    raise SystemExit(start())
