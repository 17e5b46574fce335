"""Programs of others that tests compare with. Who has not installed them skips these tests; CI may not."""

import importlib
import os
import shutil
from types import ModuleType

import pytest


def oracle(name: str, extra: str = "oracles") -> ModuleType:
    """A module of an extra; for the top of a test file, or in a fixture."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"needs {missing.name}: pip install -e '.[{extra}]'", allow_module_level=True)


def mosquitto() -> str:
    """Where Debian's Mosquitto is; for a fixture."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None and os.environ.get("CI") == "true":
        raise FileNotFoundError("mosquitto: apt-get install mosquitto")
    if program is None:
        pytest.skip("needs mosquitto: apt-get install mosquitto")
    return program
