"""Stations from elsewhere as the live tests fly them, scenarios with room for them, and programs that are ended for
certain.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from nodes.flight import Flight
from nodes.node import Node
from protocol.units import NS_PER_MS, seconds_ns
from radio.delivery import of_one
from radio.envelope import OffAir, Place, Transmit
from radio.handle import Radio
from radio.recording import HostTrouble, Reader

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 120.0
"""By the clock. A slow machine may take its time; a hang is found."""
STEP_NS = 5 * NS_PER_MS
"""A transmitter hands over 60 ms ahead, the link wants 50: so a step may be late by this much."""
AHEAD_NS = 150 * NS_PER_MS
TICK_NS = 10 * NS_PER_MS


def altered(path: Path, to: str, lines: dict[str, str], *, only: Iterable[str] | None = None) -> Path:
    """A scenario beside another one: with lines of TOML added to stations by call sign, and `only` some of them.

    What fewer stations are required to show is left out.
    """
    head, *tables = re.split(r"(?m)^(?=\[)", path.read_text(encoding="utf-8"))
    kept = [head]
    for table in tables:
        sign = next(iter(re.findall(r'(?m)^call_sign = "(.*)"$', table)), None)
        if only is not None and (table.startswith("[require") or (sign is not None and sign not in only)):
            continue
        kept.append(f"{table.rstrip()}\n{lines[sign]}\n\n" if sign in lines else table)
    other = path.with_name(to)
    other.write_text("".join(kept), encoding="utf-8")
    return other


class Told(NamedTuple):
    """Trouble of the emulator's own with a station: when it was first told, and from when until when it was."""

    told_ns: int
    from_ns: int
    until_ns: int | None


def troubles(recording: bytes) -> dict[int, list[Told]]:
    """What a recording tells of the emulator's trouble, by address."""
    found: dict[int, dict[int, Told]] = {}
    for r in Reader(BytesIO(recording)):
        if isinstance(r, HostTrouble):
            first = found.setdefault(r.address, {}).get(r.from_ns)
            found[r.address][r.from_ns] = Told(first.told_ns if first else r.at_ns, r.from_ns, r.until_ns)
    return {address: list(known.values()) for address, known in found.items()}


# ---------------------------------------------------------------- one of our aircraft, flown over a radio


async def say(radio: Radio, told: Iterable[Transmit | Place | OffAir]) -> None:
    """Tell the hub what a node has to say."""
    for said in told:
        if isinstance(said, Place):
            at_ns, latitude_deg, longitude_deg, height_m, north_mps, east_mps, up_mps = said
            velocity = {"north_mps": north_mps, "east_mps": east_mps, "up_mps": up_mps}
            await radio.place(latitude_deg, longitude_deg, height_m, at_ns=at_ns, **velocity)
        elif isinstance(said, OffAir):
            await radio.off_air(said.at_ns)
        else:
            await radio.transmit(
                said.data,
                channel=said.channel,
                start_ns=said.start_ns,
                session=said.session,
                sequence=said.sequence,
                slot=said.slot,
            )


def _node(radio: Radio, flight: Flight, now_ns: int) -> Node:
    entry = next(s for s in flight.stations if s.address == radio.address)
    return Node(entry, flight, flight.scenario.seed, now_ns, radio.life)


class Pilot:
    """Flies an aircraft in granted time, as the run itself would."""

    def __init__(self, radio: Radio, flight: Flight):
        self._radio, self.start_ns = radio, flight.start_ns
        self._now_ns = radio.now_ns
        self._node = _node(radio, flight, radio.now_ns)

    async def to(self, until_s: float) -> None:
        """Fly to an instant, in seconds since the start; then time stands still."""
        until_ns = self.start_ns + seconds_ns(until_s)
        await say(self._radio, self._node.run(self._now_ns))
        while self._now_ns < until_ns and not self._radio.over:
            self._now_ns += STEP_NS
            while (got := await self._radio.receive(self._now_ns - 1)) is not None:
                self._node.take(of_one([got]))
            if not self._radio.over:
                await say(self._radio, self._node.run(self._now_ns))


async def fly(radio: Radio, flight: Flight) -> None:
    """Fly an aircraft in granted time to the end of the run."""
    async with radio:
        await Pilot(radio, flight).to((flight.end_ns - flight.start_ns) / 1e9 + 1)


async def fly_by_the_clock(radio: Radio, flight: Flight) -> None:
    """Fly an aircraft in real time to the end of the run: its own clock is kept a little ahead of the run's."""
    async with radio:
        node = _node(radio, flight, radio.now_ns + AHEAD_NS)
        while not radio.over:
            await say(radio, node.run(radio.now_ns + AHEAD_NS))
            at_ns = radio.now_ns + TICK_NS
            while (got := await radio.receive(at_ns)) is not None:
                node.take(of_one([got]))


# ---------------------------------------------------------------- programs


class Program:
    """An `airaccord` of its own, and a group of processes of its own, so that all of them can be ended."""

    def __init__(self, folder: Path, arguments: Iterable[str | Path]):
        command = [sys.executable, "-c", "from nodes.main import main; main()", *map(str, arguments)]
        self._out, self._err = folder / "out", folder / "err"
        folder.mkdir()
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                command,
                stdout=out,
                stderr=err,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )

    @property
    def wrote(self) -> str:
        """What it wrote to stderr so far."""
        return self._err.read_text(encoding="utf-8")

    def says(self, pattern: str) -> str:
        """Wait until it says so on stderr; the pattern's first group."""
        limit_s = time.monotonic() + LIMIT_S
        while True:
            ended = self.process.poll() is not None  # before reading: what it wrote last is not to be missed
            if found := re.search(pattern, self.wrote):
                return found[found.re.groups and 1]
            assert not ended, f"it ended with {self.process.returncode}, and wrote {self.wrote!r}"
            assert time.monotonic() < limit_s, f"it hangs, and wrote {self.wrote!r}"
            time.sleep(0.01)

    def ends(self) -> int:
        """Wait for its end, and that of all it has started; its exit code."""
        code = self.process.wait(LIMIT_S)
        limit_s = time.monotonic() + LIMIT_S
        while left := self._left():
            assert time.monotonic() < limit_s, f"it has left processes behind: {left}"
            time.sleep(0.01)
        return code

    def signal(self, number: int) -> None:
        """Send it a signal, and to nobody else."""
        self.process.send_signal(number)

    def end(self) -> None:
        """End it, and whatever it has started, at once."""
        self.process.kill()
        self.process.wait(LIMIT_S)
        for pid in self._left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _left(self) -> list[int]:
        """The processes of its group that still run."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
                if int(group) == self.process.pid and state not in "ZX":
                    found.append(int(stat.parent.name))
        return found
