"""What is wrong with a user's file: collected, and said all at once."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from protocol.fields import is_call_sign


class Problem(NamedTuple):
    """One thing wrong in one file: where, what was found, and what was expected.

    An `error` makes a plan impossible; a `warning` says that it can fly and will hardly work.
    """

    file: str
    key: str
    found: str
    expected: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        found = f" = {self.found}" if self.found else ""
        return f"{self.file}: {self.key}{found}: {self.expected}" if self.key else f"{self.file}: {self.expected}"


class ConfigurationError(Exception):
    """Everything that is wrong with what the user gave. Exit code 2."""

    def __init__(self, problems: list[Problem]):
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems


def from_validation(file: Path, error: ValidationError, values: object = None) -> list[Problem]:
    """Pydantic's errors as problems, one each; with the file's values, the entries of stations go by call sign too."""
    problems = []
    for item in error.errors(include_url=False):
        if item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"]:
            continue  # pydantic counts the good entries; the bad ones have problems of their own
        key = _key(item["loc"], values)
        message = item["msg"].removeprefix("Value error, ")
        scalar = isinstance(item["input"], str | int | float | bool)
        found = repr(item["input"]) if scalar and item["type"] != "missing" else ""
        if item["type"] == "extra_forbidden":
            found, message = "", "no such key here; remove it or look for a misspelling"
        elif item["type"] == "missing":
            message = "this key is missing"
        elif item["type"] in ("tuple_type", "list_type"):  # of a file's reader nobody knows of tuples
            found, message = "", "a list is due here: values in [brackets], or entries that each begin with [[this]]"
        # our own models tell all that does not fit together in one error
        parts = message.split("; ") if item["type"] == "value_error" else [message]
        problems += [Problem(str(file), key, found, part) for part in parts]
    return problems


def _key(where: tuple[str | int, ...], values: Any) -> str:
    """Where an error is, such as `station.3 (REAPER 1).role`."""
    parts = []
    for part in where:
        name = _part(part)
        try:
            values = values[part]
        except (LookupError, TypeError):
            values = None  # a key that is missing, or nothing that has keys
        if isinstance(part, int) and isinstance(values, dict):
            call_sign = values.get("call_sign")
            name += f" ({call_sign})" if isinstance(call_sign, str) and is_call_sign(call_sign) and call_sign else ""
        parts.append(name)
    return ".".join(parts)


def _part(part: str | int) -> str:
    return f'"{part}"' if isinstance(part, str) and "." in part else str(part)
