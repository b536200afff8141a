"""The one exception for input that a person can mend: the command line prints it as one line, the app as a
friendly note.
"""

from __future__ import annotations


class InputError(ValueError):
    """Bad input from outside (a file, an id, a setting).

    The message names the place and says what was expected.
    """
