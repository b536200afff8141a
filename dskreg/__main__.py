"""python -m dskreg"""

from dskreg.cli import main

raise SystemExit(main())
