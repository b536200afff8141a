"""JSON files from other hands, read in one guarded way.

Only a regular file of bounded size is read, parsed and checked against a declared form (a pydantic type) in
one step. Whatever is wrong with it, its kind, size, nesting, types or names, is one InputError that names the
file and the field.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from dskreg.errors import InputError

LARGEST = 4 << 20  # bytes of a document; the largest ones, histories of thousands of epochs, have a tenth
LONGEST = 200  # characters of a value in a message

WORDS = {  # pydantic's words: ours
    "Input should be": "expected",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "more than",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid boolean": "true or false",
    "a valid string": "text",
    "a valid tuple": "a list",
    "a valid list": "a list",
    "a valid dictionary": "an object",
}

Form = TypeVar("Form")


def read_json(path: Path, form: TypeAdapter[Form], mend: str = "", largest: int = LARGEST) -> Form:
    """The JSON document at `path` as `form` describes it.

    Args:
        path: The file.
        form: What it must be. Declare it strict, with extra fields forbidden and finite numbers.
        mend: What a reader of the message can do about it.
        largest: Bytes; a larger file is not read.

    Raises:
        InputError: Missing, unreadable, no regular file, too large, no JSON, or not of this form.
    """
    advice = f"; {mend}" if mend else ""
    data = read_bytes(path, mend, largest)
    try:
        return form.validate_json(data)
    except ValidationError as error:
        raise InputError(f"{path}: {problem(error)}{advice}") from None


def read_bytes(path: Path, mend: str = "", largest: int = LARGEST, tail: bool = False) -> bytes:
    """The content of a regular file of at most `largest` bytes; with `tail` the end of a larger one.

    Raises:
        InputError: For anything else.
    """
    advice = f"; {mend}" if mend else ""
    try:
        with open(path, "rb", opener=_at_once) as file:
            status = os.fstat(file.fileno())
            _require_regular(path, status, None if tail else largest, advice)
            file.seek(max(0, status.st_size - largest))
            return file.read(largest)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: missing{advice}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}){advice}"
        ) from None


def _at_once(path: str, flags: int) -> int:
    # a pipe without a writer would let `open` wait for ever
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def regular_size(path: Path, mend: str = "", largest: int | None = None) -> int:
    """The bytes of a regular file, of at most `largest`. Raises InputError for anything else."""
    advice = f"; {mend}" if mend else ""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path}: missing{advice}") from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}){advice}"
        ) from None
    _require_regular(path, status, largest, advice)
    return status.st_size


def _require_regular(path: Path, status: os.stat_result, largest: int | None, advice: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: expected a regular file{advice}")
    if largest is not None and status.st_size > largest:
        raise InputError(f"{path}: expected at most {largest:,} bytes (got {status.st_size:,}){advice}")


def problem(error: ValidationError) -> str:
    """The first field at fault and what is wrong with it, in words."""
    field, wrong = first_fault(error)
    return f"{field}: {wrong}" if field else wrong


def first_fault(error: ValidationError) -> tuple[str, str]:
    """(the field at fault, "" for the whole document; what is wrong with it), of the first of the errors."""
    found = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in found["loc"])
    if found["type"] == "json_invalid":
        return (
            "",
            f"damaged, expected a JSON document ({shortened(found['msg'].removeprefix('Invalid JSON: '))})",
        )
    if found["type"] == "missing":
        return field, "missing"
    if found["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return field, "unknown"
    if found["type"] == "value_error":  # a check of several fields, which says what it got
        return field, shortened(found["msg"].removeprefix("Value error, "))
    wrong = found["msg"]
    for theirs, ours in WORDS.items():
        wrong = wrong.replace(theirs, ours)
    return field, f"{shortened(wrong)} (got {quoted(found['input'])})"


def quoted(value: Any) -> str:
    """The value for a message: its representation, shortened."""
    try:
        return shortened(repr(value))
    except (ValueError, RecursionError):  # an integer of thousands of digits
        return f"a value of type {type(value).__name__}"


def shortened(text: str) -> str:
    """At most LONGEST characters of `text`."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
