"""Shipped scenarios, flown once for all tests of a run, and a copy of the configurations that a test may spoil."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nodes.shipped import CONFIGS, scenario
from nodes.testing import FlightTest


@pytest.fixture(scope="session")
def flown() -> Callable[[str], FlightTest]:
    """A shipped scenario by name, flown to its end. Tests only read it."""
    flights: dict[str, FlightTest] = {}

    def get(name: str) -> FlightTest:
        if name not in flights:
            flights[name] = FlightTest.of(scenario(name))
            asyncio.run(flights[name].finish())
        return flights[name]

    return get


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    """A copy of the shipped configurations, in which relative paths still hold."""
    return Path(shutil.copytree(CONFIGS, tmp_path / "configs"))
