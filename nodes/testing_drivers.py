"""The two ways in which a test can fly a scenario: in virtual time in its own process, or live."""

import asyncio
import io
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol

from nodes.flight import Flight
from nodes.live.director import Director
from nodes.live.settings import Settings
from nodes.monitor import monitors_of
from nodes.simulation import Simulation
from protocol.messages import Message
from protocol.units import NS_PER_S
from protocol.verdicts import Finding
from radio.handle import Radio
from radio.link_local import LocalExchange

Found = Callable[[Finding], None]

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.0005, 0.005
"""How long a test's event loop is left alone between two looks at a live run."""


class Driver(Protocol):
    """What a test needs of either."""

    @property
    def run(self) -> Simulation | Director: ...
    def radio(self, address: int) -> Radio: ...
    async def start(self) -> None: ...
    async def advance(self, until_ns: int) -> None: ...
    def send(self, address: int, message: Message, channel: int, about_ns: int) -> None: ...
    def recording(self, name: str) -> bytes: ...
    def truth(self) -> str: ...
    def close(self) -> None: ...


class Virtual:
    """In virtual time. Nothing is written to disk."""

    def __init__(self, flight: Flight, seed: int, found: Found):
        self._recordings: dict[str, io.BytesIO] = {}
        self._truth = io.StringIO()
        self.run = Simulation(flight, seed, self._open, self._truth, found)
        self._exchange = LocalExchange(self.run.hub)
        self._external = {s.address for s in flight.stations if s.external}

    def _open(self, name: str) -> io.BytesIO:
        self._recordings[name] = io.BytesIO()
        return self._recordings[name]

    def radio(self, address: int) -> Radio:
        """The radio of an external station, in this process."""
        self._external.discard(address)
        return Radio(self._exchange.connect(address), address)

    async def start(self) -> None:
        """There is nothing to be started."""

    async def advance(self, until_ns: int) -> None:
        """Let time pass, and other tasks run now and then. Raises ValueError if nobody flies an external station."""
        await asyncio.sleep(0)  # tasks that were just created take their radios
        if self._external:
            names = ", ".join(f"{address:06x}" for address in sorted(self._external))
            raise ValueError(f"nobody flies {names}: take its radio with flight.radio() before time passes")
        await self._exchange.settled()
        while self.run.now_ns < until_ns:
            if self._exchange.busy():
                self._exchange.deliver(self.run.step(until_ns))
                await self._exchange.settled()
            else:
                self.run.advance(min(self.run.now_ns + NS_PER_S, until_ns))
                await asyncio.sleep(0)

    def send(self, address: int, message: Message, channel: int, about_ns: int) -> None:
        """Let a station's transmitter send a message now."""
        self.run.send(address, message, channel, about_ns)

    def recording(self, name: str) -> bytes:
        """A monitor's recording so far."""
        return self._recordings[name].getvalue()

    def truth(self) -> str:
        """What became of every frame so far."""
        return self._truth.getvalue()

    def close(self) -> None:
        """End the run."""
        self._exchange.end("the run is over")
        self.run.close()


class Live:
    """Live, at pace max. The processes start with the first step in time; the test's event loop goes on meanwhile."""

    def __init__(self, flight: Flight, seed: int, found: Found):
        self._path = Path(tempfile.gettempdir(), f"airaccord-{secrets.token_hex(8)}")
        self._files = ("truth.jsonl", *monitors_of(flight))
        self._kept: dict[str, bytes] = {}
        self.run = Director(flight, seed, self._path, Settings(temporary=True), found)
        self._started = self._complete = False
        self._interrupted: list[int] = []
        self._working: Future[None] | None = None
        """What waits for processes, in a thread."""

    def radio(self, address: int) -> Radio:
        """The radio of an external station, over ZeroMQ. Raises ValueError before the start."""
        if not self._started:
            raise ValueError("a live flight has no address yet: `await flight.start()` first")
        return Radio.connect(self.run.endpoint, address=address)

    async def start(self) -> None:
        """Start the processes. Raises RuntimeError if somebody gave up waiting for them before."""
        if self._interrupted:
            raise RuntimeError("whoever started this flight gave up waiting for its stations: make another one")
        if not self._started:
            self._started = True
            self._path.mkdir(mode=0o700)
            await self._aside(lambda: self.run.start(self._interrupted))

    async def advance(self, until_ns: int) -> None:
        """Let time pass, once all stations are there."""
        await self.start()
        if not self._complete:
            self._complete = True
            await self._aside(lambda: self.run.wait_for_external(interrupted=self._interrupted))
        # in this thread, so that other tasks can read what has been found, or act; none of these steps waits
        self.run.go(until_ns)
        pause_s = SHORTEST_PAUSE_S
        while not self.run.reached:
            await asyncio.sleep(pause_s)
            self.run.step(0)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self.run.step(0)

    async def _aside(self, doing: Callable[[], None]) -> None:
        """Do something in a thread. Whoever gives up waiting for it has it interrupted: two may not use one run."""
        with ThreadPoolExecutor(1) as threads:
            self._working = threads.submit(doing)
            waiting = asyncio.wrap_future(self._working)
            waiting.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to ask
            try:
                await asyncio.shield(waiting)
            except asyncio.CancelledError:
                self._interrupt()
                raise

    def _interrupt(self) -> None:
        if self._working is not None and not self._working.done():
            self._interrupted.append(signal.SIGINT)
            wait([self._working])

    def send(self, address: int, message: Message, channel: int, about_ns: int) -> None:
        """Let a station's transmitter send a message now."""
        self.run.send(address, message, channel, about_ns)

    def recording(self, name: str) -> bytes:
        """A monitor's recording so far."""
        return self._read(name)

    def truth(self) -> str:
        """What became of every frame so far."""
        return self._read("truth.jsonl").decode()

    def _read(self, name: str) -> bytes:
        return self._kept[name] if self._kept else (self._path / name).read_bytes()

    def close(self) -> None:
        """End the run and its processes; its files are kept in memory."""
        if not self._started:
            return
        try:
            self._interrupt()
            self.run.close(self._interrupted)
            there = [name for name in self._files if (self._path / name).exists()]
            self._kept = {name: (self._path / name).read_bytes() for name in there}
        finally:
            shutil.rmtree(self._path)
