"""A pytest fixture that flies scenarios. Load it with `-p nodes.pytest_plugin`, or in a conftest.py with
`pytest_plugins = ["nodes.pytest_plugin"]`.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest_asyncio

from nodes.scenario import Scenario
from nodes.testing import FlightTest


class Fly(Protocol):
    """What the fixture gives: call it with a scenario to get a flight."""

    def __call__(
        self, scenario: Path | str | Scenario, *, seed: int | None = None, loss: float | None = None, live: bool = False
    ) -> FlightTest: ...


@pytest_asyncio.fixture
async def fly() -> AsyncIterator[Fly]:
    """Start flights, in virtual time or with `live=True` live; those still open at the end of the test are closed.

    Use: `flight = fly("configs/scenarios/quiet.toml", loss=0.05)`, then `await flight.advance(30)` and so on.
    """
    with ExitStack() as opened:

        def start(
            scenario: Path | str | Scenario, *, seed: int | None = None, loss: float | None = None, live: bool = False
        ) -> FlightTest:
            source = Path(scenario) if isinstance(scenario, str) else scenario
            flight = FlightTest.of(source, seed=seed, loss=loss, live=live)
            opened.callback(flight.close)  # all are closed, even if closing one fails
            return flight

        yield start
