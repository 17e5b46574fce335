"""Pace real: a run keeps to the clock; a station with a clock of its own is excused where the emulator failed it, and
nowhere else. Every test holds on a machine of any speed.
"""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import zmq

from nodes.checking import check
from nodes.flight import load
from nodes.live.absence import STANDING_S
from nodes.live.director import Director
from nodes.report import of_run
from nodes.terminal import to_text
from nodes.testing import FlightTest
from protocol.judge import Tally
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import Cause, Verdict
from radio.envelope import Alive, Tune
from radio.handle import Radio
from radio.hub import WINDOW_NS
from tests.nodes.live.conftest import go, processes, strike, until
from tests.nodes.live.raw_stations import Noise, Raw, reports
from tests.nodes.live.strangers import LIMIT_S, ROOT, altered, fly_by_the_clock, troubles

Make = Callable[..., Director]

HAWK_11, HAWK_12, SOKOL_1, SOKOL_2 = 0xAE1001, 0xAE1002, 0x155001, 0x155002


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the first run of a test writes."""
    return tmp_path / "run 0"


def brisk(configs: Path, seconds: float, terms: dict[str, str], lines: dict[str, str], more: str = "") -> Path:
    """The quiet scenario, for so long, with other lines in its agreement and in its stations."""
    agreement = configs / "agreements" / "safety-of-flight-2015.toml"
    text = agreement.read_text(encoding="utf-8")
    for old, new in terms.items():
        assert old in text
        text = text.replace(old, new)
    agreement.write_text(text, encoding="utf-8")
    path = altered(configs / "scenarios" / "quiet.toml", "brisk.toml", lines)
    text = path.read_text(encoding="utf-8").replace("duration_s = 60", f"duration_s = {seconds:g}")
    path.write_text(text + more, encoding="utf-8")
    return path


async def advance(live: Director, to_s: float) -> None:
    """Let time go on to so many seconds after the start, while this event loop goes on."""
    live.go(live.flight.start_ns + seconds_ns(to_s))
    while not live.reached:
        await asyncio.to_thread(live.step)


def verdicts(live: Director, address: int) -> dict[str, Tally]:
    """What a run has found of a station, by clause."""
    return {t.clause: t for t in live.tallies() if t.subject == f"{address:06x}"}


# ---------------------------------------------------------------- our own


def test_a_run_takes_its_time_and_finds_what_virtual_time_finds(director: Make, configs: Path, folder: Path) -> None:
    path = brisk(configs, 3, {}, {})
    virtual = FlightTest.of(path)
    expected = asyncio.run(virtual.finish())

    live = director(load(path), paced=True)
    live.start()
    begun_s = time.monotonic()
    live.advance(live.flight.end_ns)
    # the clock counts from the first window on, and the last one is granted when it begins
    assert time.monotonic() - begun_s >= 3 - 2 * WINDOW_NS / NS_PER_S
    live.close()
    assert (folder / "monitor.pcapng").read_bytes() == virtual.recording()
    assert (folder / "truth.jsonl").read_text(encoding="utf-8") == virtual.truth()
    assert dict(live.counts) == {}
    assert live.broken == live.told == []
    assert [t.verdict.label for t in live.tallies()] == [v["verdict"] for v in expected["verdicts"]]


def test_time_that_is_held_back_for_our_own_processes_is_counted_and_told(director: Make, configs: Path) -> None:
    """A station's process is stopped for a while: everybody waits for it, and nobody is in trouble."""
    live = director(load(brisk(configs, 3, {}, {})), paced=True)
    live.start()
    go(live, 1)
    child = processes(live)["station SOKOL 2"]
    assert strike(child, signal.SIGSTOP)
    live.go(live.flight.end_ns)
    until(lambda: live.waited_for == ["SOKOL 2 (155002)"], live.step)
    assert strike(child, signal.SIGCONT)
    until(lambda: live.reached, live.step)
    assert live.waited_for == []
    live.close()
    windows, by_ns = live.stretched
    assert windows >= 1
    assert by_ns >= seconds_ns(STANDING_S) - 2 * WINDOW_NS
    assert live.broken == live.told == []
    assert {tally.verdict for tally in live.tallies()} <= {
        Verdict.PASS,
        Verdict.NOT_EXERCISED,
        Verdict.NOT_APPLICABLE,
    }
    host = of_run(live)["host"]
    assert (host["stretched"], host["stretched_s"]) == (windows, round(by_ns / NS_PER_S, 3))
    printed = " ".join(to_text(of_run(live), {}, []).split())
    assert f"(stretched), by {host['stretched_s']:.1f} s in all." in printed


# ---------------------------------------------------------------- aircraft with clocks of their own

PROGRAM = """
import asyncio, os, sys
from pathlib import Path

from nodes.flight import load
from radio.handle import Radio
from tests.nodes.live.strangers import fly_by_the_clock

print(os.getpid(), flush=True)
asyncio.run(fly_by_the_clock(Radio.from_environment(granted=False), load(Path(sys.argv[1]))))
"""


async def test_an_aircraft_with_a_clock_of_its_own_is_judged_and_excused_when_it_was_stopped(
    director: Make, configs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One flies through; the process of another one is stopped for three seconds, and then goes on."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    terms = {
        "every_s = 20\nlimit_s = 60": "every_s = 3\nlimit_s = 6",
        "every_s = 1\nlimit_s = 5": "every_s = 1\nlimit_s = 2",
        "grace_s = 30": "grace_s = 3",
    }
    command = f'command = ["{sys.executable}", "station.py", "brisk.toml"]'
    path = brisk(configs, 8, terms, {"SOKOL 2": "external = true", "HAWK 12": command})
    path.with_name("station.py").write_text(PROGRAM, encoding="utf-8")
    live = director(load(path), paced=True)
    await asyncio.to_thread(live.start)
    stopped = int((folder / "hawk_12.log").read_text(encoding="utf-8"))
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        group.create_task(fly_by_the_clock(Radio.connect(live.endpoint, address=SOKOL_2, granted=False), live.flight))
        await asyncio.to_thread(live.wait_for_external)
        await advance(live, 2.5)
        os.kill(stopped, signal.SIGSTOP)
        await advance(live, 5.5)
        os.kill(stopped, signal.SIGCONT)
        await advance(live, 8)
        live.close()

    recorded = troubles((folder / "monitor.pcapng").read_bytes())
    mine = verdicts(live, SOKOL_2)
    if SOKOL_2 not in recorded:  # else this machine was too slow for it, and that has been counted
        assert {clause for clause, tally in mine.items() if tally.verdict is Verdict.PASS} == EXERCISED
        assert all(tally.decided == 1.0 for clause, tally in mine.items() if clause in EXERCISED)
    assert [t for t in live.tallies() if t.verdict is Verdict.FAIL] == []
    silence = recorded[HAWK_12]
    begin_ns, end_ns = (live.flight.start_ns + seconds_ns(s) for s in (2.5, 5.5))
    assert any(t.from_ns < end_ns and (t.until_ns is None or begin_ns < t.until_ns) for t in silence)
    assert live.broken == []
    assert check(folder / "monitor.pcapng", live.flight.agreement).tallies == live.tallies()


ALWAYS = {"1.1", "1.3", "2.1", "2.2", "3.1", "3.3", "3.4", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "5.1"}
EXERCISED = {"1.4", *ALWAYS}


# ---------------------------------------------------------------- strangers of all kinds


Connect = Callable[..., Raw]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes strangers; their connections are closed when the test ends."""
    made: list[Raw] = []
    with zmq.Context() as context:

        def make(endpoint: str, address: int, **options: int) -> Raw:
            made.append(Raw(context, endpoint, address, **options))
            return made[-1]

        yield make
        for raw in made:
            raw.close()


@asynccontextmanager
async def meanwhile(*doing: Callable[[], object]) -> AsyncIterator[None]:
    """Do all this again and again."""

    async def go_on() -> None:
        while True:
            for do in doing:
                do()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


OWL = """
[[station]]
address = "{address:06x}"
call_sign = "OWL {number}"
party = "federation"
role = "aircraft"
external = true
waypoints = [[0, 35.60, {longitude}, 21000], [60, 35.45, {longitude}, 21000]]
"""
OWL_1, *NOISY = (0x155010 + n for n in range(11))
MORE = """
[[unagreed_channel]]
number = 9
name = "noise"
frequency_mhz = 140.0
bandwidth_khz = 10000
bit_rate_bps = 20000000
access = "aloha"
""" + "".join(
    OWL.format(address=address, number=n, longitude=36 + n / 100) for n, address in enumerate([OWL_1, *NOISY], 1)
)


def memory_kb(pid: int) -> int:
    """How much memory a process has."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


HELD = 11_000
"""Messages of 288 bytes that may be on their way to one who never reads: a hub holds few, the kernel some megabytes."""
HELD_KB = 3_000
"""How much a hub may grow meanwhile."""


async def test_excuses_are_for_those_in_trouble_and_hide_no_conduct(
    director: Make, configs: Path, folder: Path, connect: Connect
) -> None:
    """Four stations report twice, then not for longer than they may, then twice again.

    - HAWK 11 is there all the time and simply does not report: that is a breach.
    - HAWK 12 hands over one report in between too late: trouble.
    - SOKOL 2 does not say a word for four seconds: trouble.
    - OWL 1 never reads. The other owls fill a channel that it listens to, so that it loses much: trouble.

    SOKOL 1 is ours, and nothing of this touches it.
    """
    externals = dict.fromkeys(("HAWK 11", "HAWK 12", "SOKOL 2"), "external = true")
    path = brisk(configs, 7, {"every_s = 1\nlimit_s = 5": "every_s = 1\nlimit_s = 2"}, externals, MORE)
    live = director(load(path), paced=True)
    await asyncio.to_thread(live.start)
    async with asyncio.timeout(LIMIT_S):
        grown_kb = await strangers_of_all_kinds(live, connect)
    await asyncio.to_thread(live.close)
    assert live.broken == []
    assert check(folder / "monitor.pcapng", live.flight.agreement).tallies == live.tallies()

    recorded = troubles((folder / "monitor.pcapng").read_bytes())
    again_ns = live.flight.start_ns + seconds_ns(AGAIN_S[0])
    # a machine may be so slow that the hub takes HAWK 11 for silent, or that the owls do not send enough for OWL 1
    excused = {a for a, records in recorded.items() if any(r.from_ns <= r.told_ns < again_ns for r in records)}
    assert {HAWK_12, SOKOL_2} <= excused
    assert not {SOKOL_1, 0} & set(recorded)
    guilty = {(t.clause, t.subject) for t in live.tallies() if t.verdict is Verdict.FAIL}
    assert guilty == {("4.1", f"{a:06x}") for a in {HAWK_11, HAWK_12, SOKOL_2, OWL_1} - excused}
    for address in excused - set(NOISY):
        assert verdicts(live, address)["4.1"].causes == {Cause.HOST_TROUBLE: 1}
    assert {tally.verdict for tally in verdicts(live, SOKOL_1).values()} <= {
        Verdict.PASS,
        Verdict.NOT_EXERCISED,
        Verdict.NOT_APPLICABLE,
    }

    if live.counts["host_dropped"]:
        assert {OWL_1, *NOISY} & set(recorded)
    sent = (folder / "truth.jsonl").read_text(encoding="utf-8").count(f'"{OWL_1:06x}":["received"')
    assert sent - live.counts["host_dropped"] < HELD
    assert grown_kb < HELD_KB


BEFORE_S, AGAIN_S = (0.2, 1.2), (5.2, 6.2)


async def strangers_of_all_kinds(live: Director, connect: Connect) -> int:
    """Fly them to the end of the run; how much the hub's memory has grown meanwhile, in kB."""
    flight = live.flight
    idle, late, silent, *noisy = (connect(live.endpoint, a) for a in (HAWK_11, HAWK_12, SOKOL_2, *NOISY))
    deaf = connect(live.endpoint, OWL_1, RCVHWM=1, RCVBUF=4096)
    for raw in (idle, late, silent, deaf):
        await raw.hello()
        raw.say(*reports(flight, raw.address, BEFORE_S))
        # whoever knows the number of a report that came too late does not count it among the missing
        raw.say(*reports(flight, raw.address, AGAIN_S, first=3 if raw is late else 2))
    deaf.say(Tune(flight.start_ns, frozenset({9})))
    for raw in noisy:
        await raw.hello()
        raw.say(reports(flight, raw.address, AGAIN_S)[0], Tune(flight.start_ns, frozenset({1})))
    speaking = [idle, late]

    def speak() -> None:
        for raw in speaking:
            raw.say(Alive())
            raw.hear()
        deaf.say(Alive())

    hub = processes(live)["hub"].pid
    async with meanwhile(speak, Noise(noisy)):
        await asyncio.to_thread(live.wait_for_external)
        await advance(live, 2)
        before_kb = memory_kb(hub)
        await advance(live, 3)
        late.say(*reports(flight, late.address, [2.2], first=2)[1:] * 3)
        await late.hello()
        await advance(live, 4.5)
        assert live.counts["host_late"] >= 3
        speaking.append(silent)
        await advance(live, 7)
        grown_kb = memory_kb(hub) - before_kb
    await idle.hello()  # what it was sent before has come with the answer
    every = set(range(flight.start_ns, flight.end_ns, WINDOW_NS))
    assert idle.told_ns >= every, "it is told of every window"
    return grown_kb
