"""Programs of others that tests compare with. Who has not installed them skips these tests; CI may not."""

import importlib
import os
from types import ModuleType

import pytest


def oracle(name: str) -> ModuleType:
    """A module of the `oracles` extra; for the top of a test file."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"needs {missing.name}: pip install -e '.[oracles]'", allow_module_level=True)
