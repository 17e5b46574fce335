"""What the live tests share: a director whose processes are gone when the test is, and ways to disturb a run."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nodes.flight import Flight, load, with_loss
from nodes.live.director import Director
from nodes.live.processes import Child
from nodes.live.settings import Settings
from nodes.shipped import scenario
from protocol.units import seconds_ns
from tests.oracles import mosquitto
from tests.radio.line_brokers import Mosquitto

LIMIT_S = 120.0
"""By the clock. Nothing here takes more than a few seconds; a slow machine may take its time, a hang is found."""

Make = Callable[..., Director]


def flight_of(name: str, seconds: float | None = None, loss: float | None = None) -> Flight:
    """A shipped scenario, cut short, with another loss, if given."""
    flight = load(scenario(name))
    if seconds is not None:
        flight = replace(flight, end_ns=flight.start_ns + seconds_ns(seconds))
    return flight if loss is None else with_loss(flight, loss)


def until(condition: Callable[[], object], step: Callable[[], object] = lambda: time.sleep(0.01)) -> None:
    """Wait for a condition; fails the test if it does not come true."""
    limit_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit_s, "this takes too long: it hangs"
        step()


def is_there(pid: int) -> bool:
    """Whether a process is there, and is more than an entry in its parent's books."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def processes(live: Director) -> dict[str, Child]:
    """The processes of a run, by name: the hub, monitors and stations."""
    supervisor = live._supervisor
    return {child.name: child for child in (supervisor.hub, *supervisor.children)}


def strike(child: Child, number: int = signal.SIGKILL) -> bool:
    """Send a signal to a process of a run; whether it was there."""
    if child.closed or child.ended() is not None:
        return False
    try:
        os.kill(child.pid, number)
    except ProcessLookupError:
        return False
    return True


def passed_s(live: Director) -> float:
    """Medium time since the start."""
    return (live.now_ns - live.flight.start_ns) / 1e9


def go(live: Director, to_s: float | None = None) -> None:
    """Let medium time go on to an instant, in seconds since the start, or to the end."""
    live.go(live.flight.end_ns if to_s is None else live.flight.start_ns + seconds_ns(to_s))
    until(lambda: live.reached, live.step)


@pytest.fixture
def births(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The ids of all processes that runs start in this test. None of them is left afterwards."""
    pids: list[int] = []
    start = Child.start

    def noted(self: Child, *arguments: Any) -> None:
        start(self, *arguments)
        pids.append(self.pid)

    monkeypatch.setattr(Child, "start", noted)
    yield pids
    left = [pid for pid in pids if is_there(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


@pytest.fixture
def director(births: list[int], tmp_path: Path) -> Iterator[Make]:
    """Makes runs of a flight at pace max, each in a folder of its own, and ends them."""
    made: list[Director] = []

    def make(flight: Flight, **settings: Any) -> Director:
        folder = tmp_path / f"run {len(made)}"
        folder.mkdir()
        made.append(Director(flight, flight.scenario.seed, folder, Settings(**settings)))
        return made[-1]

    yield make
    for live in made:
        live.kill()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Mosquitto]:
    """Debian's Mosquitto with the configuration that we ship."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Mosquitto(mosquitto(), folder)
    broker.start()
    yield broker
    broker.close()
