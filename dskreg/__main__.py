"""python -m dskreg"""

import signal

from dskreg.cli import main

signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end, it unwinds as after Ctrl-C: nothing half-written stays behind
raise SystemExit(main())
