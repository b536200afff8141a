"""python -m dskreg"""

import signal

from dskreg.cli import main

# Asked to end, it unwinds as after Ctrl-C: nothing half-written stays behind
signal.signal(signal.SIGTERM, signal.default_int_handler)
raise SystemExit(main())
