"""Stations of the user's own, by a class, by a program, from elsewhere: flown and judged like all others; and bytes
from anybody that are no message.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from nodes.flight import Flight, load
from nodes.live.director import Director
from nodes.main import run
from nodes.problems import ConfigurationError
from nodes.shipped import scenario
from nodes.testing import FlightTest
from protocol.verdicts import Verdict
from radio.envelope import Alive, BadEnvelope, Bye, Done, Hello, Place, Transmit, pack, unpack_from_station
from radio.handle import Radio, Reception, Refused
from tests.nodes.live.conftest import is_there
from tests.nodes.live.strangers import ROOT, fly

ENCOUNTER, QUIET = scenario("encounter-2015"), scenario("quiet")
SOKOL_1, SOKOL_2 = 0x155001, 0x155002

Found = tuple[dict[str, Any], bytes, str, list[Any]]
"""What a flight has found: its report without its mode, its recording, its truth, its findings."""


@pytest.fixture(autouse=True)
async def limit() -> AsyncIterator[None]:
    async with asyncio.timeout(120.0):
        yield


def found_by(flight: FlightTest) -> Found:
    report = flight.report()
    report["source"].pop("mode")
    return report, flight.recording(), flight.truth(), flight.findings


async def flown(path: Path, *, live: bool, companions: tuple[str, ...] = ()) -> Found:
    """Fly a scenario; the test itself flies its `companions`, with our own aircraft."""
    flight = FlightTest.of(path, live=live)
    try:
        await flight.start()
        async with asyncio.TaskGroup() as group:
            for sign in companions:
                group.create_task(fly(flight.radio(sign), flight.flight))
            await flight.finish()
    finally:
        flight.close()
    return found_by(flight)


# ---------------------------------------------------------------- a class

CLASSES = """
from nodes.stations.aircraft import Aircraft
from nodes.stations.effects import Send
from protocol.messages import Intent, Position


class Same(Aircraft):
    pass


class NoIntent(Aircraft):
    def wake(self, now_ns):
        for effect in super().wake(now_ns):
            if not (isinstance(effect, Send) and isinstance(effect.message, Intent)):
                yield effect


class Rare(Aircraft):
    reports = 0

    def wake(self, now_ns):
        for effect in super().wake(now_ns):
            if isinstance(effect, Send) and isinstance(effect.message, Position):
                self.reports += 1
                if self.reports % 7:
                    continue
            yield effect


class Fails(Aircraft):
    def wake(self, now_ns):
        if now_ns >= 1_445_418_020_000_000_000:
            raise RuntimeError("the engine has stopped")
        yield from super().wake(now_ns)
"""


@pytest.fixture
def module(configs: Path) -> Iterator[str]:
    """A module of stations beside the scenarios of a copy; its name is nobody else's."""
    name = f"stations_of_{configs.parent.name.replace('-', '_')}"
    (configs / "scenarios" / f"{name}.py").write_text(CLASSES, encoding="utf-8")
    before = list(sys.path)
    yield name
    sys.path[:] = before
    sys.modules.pop(name, None)


def with_classes(configs: Path, base: str, classes: dict[str, str]) -> Path:
    lines = {sign: f'python = "{name}"' for sign, name in classes.items()}
    return altered(configs / "scenarios" / f"{base}.toml", "mine.toml", lines)
