"""TOML files as plain values."""

import tomllib
from pathlib import Path
from typing import Any

from nodes.problems import ConfigurationError, Problem


def read_toml(path: Path) -> dict[str, Any]:
    """One file as plain values. Raises ConfigurationError."""
    try:
        # Editors of Windows put a byte order mark before the first key.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        wrong = "no such file"
    except (OSError, UnicodeDecodeError) as error:
        wrong = f"cannot be read: {error}"
    except (ValueError, RecursionError) as error:  # beside its own error, a number too long, a list too deep
        wrong = f"is not TOML: {error}"
    raise ConfigurationError([Problem(str(path), "", "", wrong)])
