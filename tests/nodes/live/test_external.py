"""Stations of the user's own, by a class, by a program, from elsewhere: flown and judged like all others; and bytes
from anybody that are no message.
"""

import asyncio
import random
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import zmq

from nodes.main import run
from nodes.shipped import scenario
from nodes.testing import FlightTest
from protocol.verdicts import Verdict
from radio.envelope import (
    Alive,
    BadEnvelope,
    Bye,
    Done,
    Hello,
    OffAir,
    Place,
    Transmit,
    Tune,
    pack,
    unpack_from_station,
)
from radio.handle import Radio, Refused
from tests.nodes.live.conftest import is_there
from tests.nodes.live.strangers import LIMIT_S, ROOT, altered, fly

ENCOUNTER, QUIET = scenario("encounter-2015"), scenario("quiet")
HAWK_11, HAWK_12, SOKOL_1, SOKOL_2 = "ae1001", "ae1002", "155001", "155002"

Found = tuple[dict[str, Any], bytes, str, list[Any]]
"""What a flight has found: its report but for its mode, its recording, its truth, its findings."""


def found_by(flight: FlightTest) -> Found:
    """What a flight that is over has found."""
    report = flight.report()
    del report["source"]["mode"]
    return report, flight.recording(), flight.truth(), flight.findings


async def flown(path: Path, *companions: str, live: bool) -> Found:
    """Fly a scenario; the test itself flies its companions, each as the run would."""
    flight = FlightTest.of(path, live=live)
    try:
        await flight.start()
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
            for sign in companions:
                group.create_task(fly(flight.radio(sign), flight.flight))
            await flight.finish()
    finally:
        flight.close()
    return found_by(flight)


@pytest.fixture(scope="module")
def as_ours() -> Found:
    """The encounter in virtual time, with no station but our own."""
    return asyncio.run(flown(ENCOUNTER, live=False))


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
    name = f"stations_of_{configs.parent.name}"
    (configs / "scenarios" / f"{name}.py").write_text(CLASSES, encoding="utf-8")
    before = list(sys.path)
    yield name
    sys.path[:] = before
    sys.modules.pop(name, None)


def with_classes(configs: Path, base: str, classes: dict[str, str]) -> Path:
    """A scenario in which classes fly some of the stations."""
    lines = {sign: f'python = "{name}"' for sign, name in classes.items()}
    return altered(configs / "scenarios" / f"{base}.toml", "mine.toml", lines)


@pytest.mark.parametrize("live", [False, True], ids=["virtual", "live"])
async def test_a_class_that_flies_as_ours_is_as_good_as_ours(
    live: bool, configs: Path, module: str, as_ours: Found
) -> None:
    own = {"SOKOL 1": "nodes.stations.aircraft:Aircraft", "HAWK 11": f"{module}:Same", "HAWK 12": f"{module}:Same"}
    assert await flown(with_classes(configs, "encounter-2015", own), live=live) == as_ours


async def test_a_class_that_breaks_the_agreement_or_fails_is_found_alike_in_both(configs: Path, module: str) -> None:
    own = {"SOKOL 1": "Rare", "SOKOL 2": "NoIntent", "HAWK 11": "Fails", "HAWK 12": "Rare"}
    path = with_classes(configs, "quiet", {sign: f"{module}:{name}" for sign, name in own.items()})
    virtual, live = await flown(path, live=False), await flown(path, live=True)
    for report in (virtual[0], live[0]):
        # the window in which the end of a class is noted may be the next one: by then its connection was seen to close
        (broken,) = report["host"].pop("broken")
        assert "s: station HAWK 11 failed in wake: RuntimeError: the engine has stopped" in broken
    assert live == virtual
    verdicts = {(v["clause"], v["subject"]): v["verdict"] for v in live[0]["verdicts"]}
    guilty = {key for key, verdict in verdicts.items() if verdict == "fail"}
    assert guilty == {("4.1", SOKOL_1), ("4.1", HAWK_12), ("5.1", SOKOL_2)}
    assert verdicts["4.1", HAWK_11] == "inconclusive"


# ---------------------------------------------------------------- a program

PROGRAM = """
import asyncio, os, signal, subprocess, sys, time
from pathlib import Path

from nodes.flight import load
from radio.handle import Radio
from tests.nodes.live.strangers import fly

signal.signal(signal.SIGTERM, signal.SIG_IGN)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
print(os.getpid(), other.pid, Path.cwd(), *(os.environ[f"AIRACCORD_{name}"] for name in ("HUB", "ADDRESS", "KEY")))
sys.stdout.flush()
flight = load(Path(sys.argv[1]))
asyncio.run(fly(Radio.from_environment(), flight))
while True:
    time.sleep(3600)
"""


def test_a_program_that_flies_as_ours_is_as_good_as_ours_and_ends_with_the_run(
    configs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_ours: Found
) -> None:
    """Two programs; neither cares that the run is over, and each has a process of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder = configs / "scenarios"
    (folder / "station.py").write_text(PROGRAM, encoding="utf-8")
    command = f'command = ["{sys.executable}", "station.py", "mine.toml"]'
    path = altered(folder / "encounter-2015.toml", "mine.toml", {"HAWK 11": command, "SOKOL 2": command})
    assert run(["run", str(path), "--pace", "max", "--output", str(tmp_path / "out")]) == 0

    _, recording, truth, _ = as_ours
    assert (tmp_path / "out" / "monitor.pcapng").read_bytes() == recording
    assert (tmp_path / "out" / "truth.jsonl").read_text(encoding="utf-8") == truth
    report = (tmp_path / "out" / "report.json").read_bytes()
    assert run(["simulate", str(ENCOUNTER), "--output", str(tmp_path / "virtual")]) == 0
    assert report.replace(b'"run"', b'"simulate"') == (tmp_path / "virtual" / "report.json").read_bytes()

    keys = set()
    for name, address in (("hawk_11.log", HAWK_11), ("sokol_2.log", SOKOL_2)):
        (line,) = (tmp_path / "out" / name).read_text(encoding="utf-8").splitlines()
        pid, other, *told = line.split()
        assert not is_there(int(pid))
        assert not is_there(int(other))
        assert told[0] == str(folder)
        assert told[1].startswith("tcp://127.0.0.1:")
        assert told[2] == address
        assert len(bytes.fromhex(told[3])) == 16
        keys.add(told[3])
    assert len(keys) == 2


# ---------------------------------------------------------------- from elsewhere


def with_externals(configs: Path, *signs: str, base: str = "encounter-2015") -> Path:
    """A scenario with stations that somebody else starts."""
    path = configs / "scenarios" / f"{base}.toml"
    return altered(path, "mine.toml", dict.fromkeys(signs, "external = true"))


@pytest.mark.parametrize("live", [False, True], ids=["virtual", "live"])
async def test_a_station_from_elsewhere_hears_and_is_heard_as_ours(live: bool, configs: Path, as_ours: Found) -> None:
    signs = ("HAWK 11", "SOKOL 2")
    assert await flown(with_externals(configs, *signs), *signs, live=live) == as_ours


@pytest.mark.parametrize("live", [False, True], ids=["virtual", "live"])
async def test_who_claims_an_address_that_is_taken_is_refused_and_disturbs_nobody(
    live: bool, configs: Path, as_ours: Found
) -> None:
    flight = FlightTest.of(with_externals(configs, "SOKOL 2"), live=live)
    try:
        await flight.start()
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
            group.create_task(fly(flight.radio("SOKOL 2"), flight.flight))
            await flight.advance(20)
            for _ in range(2):
                with pytest.raises(Refused, match="the address 155002 is taken by a station that is already there"):
                    async with flight.radio("SOKOL 2"):
                        pass
            await flight.finish()
    finally:
        flight.close()
    report, *rest = found_by(flight)
    assert report["host"].pop("refused") == 2
    # live, both are told once; virtual time tells whoever asked, and nobody else
    assert all(f"somebody was refused as {SOKOL_2}" in what for what in report["host"].pop("told"))
    expected, *others = as_ours
    expected = {**expected, "host": {k: v for k, v in expected["host"].items() if k not in ("refused", "told")}}
    assert report == expected
    assert rest == others


async def test_who_keeps_to_the_clock_is_refused_where_the_run_does_not(configs: Path) -> None:
    flight = FlightTest.of(with_externals(configs, "SOKOL 2"), live=True)
    try:
        await flight.start()
        async with asyncio.timeout(LIMIT_S):
            with pytest.raises(Refused, match=r"does not keep to the clock.*pace real"):
                async with Radio.connect(flight.endpoint, address=0x155002, granted=False):
                    pass
    finally:
        flight.close()


async def test_whom_a_test_forgets_to_fly_is_named(configs: Path) -> None:
    flight = FlightTest.of(with_externals(configs, "HAWK 12", "SOKOL 2"))
    other = asyncio.create_task(fly(flight.radio("HAWK 12"), flight.flight))
    try:
        with pytest.raises(ValueError, match="nobody flies 155002: take its radio"):
            await flight.advance(1)
    finally:
        flight.close()
        await other


def test_who_is_never_there_is_named(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = with_externals(configs, "HAWK 12", "SOKOL 2")
    assert run(["run", str(path), "--wait", "0.1"]) == 2
    waiting, gone = capsys.readouterr().err.splitlines()
    assert waiting.startswith("airaccord: waiting for SOKOL 2, HAWK 12 at tcp://127.0.0.1:")
    assert "not there after 0.1 s (--wait) at tcp://127.0.0.1:" in gone
    assert gone.endswith(": SOKOL 2, HAWK 12")


async def test_a_test_reads_and_acts_while_time_passes(as_ours: Found) -> None:
    """Other tasks of a test read the verdicts of a live flight as they come, at any time."""
    flight = FlightTest.of(ENCOUNTER, live=True)
    seen: list[Verdict] = []

    async def watch() -> None:
        while True:
            seen.append(flight.verdict("4.1", "SOKOL 1"))
            await asyncio.sleep(0)

    try:
        await flight.start()
        async with asyncio.timeout(LIMIT_S):
            watching = asyncio.create_task(watch())
            await flight.advance(60)
            watching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await watching
            await flight.finish()
    finally:
        flight.close()
    assert found_by(flight) == as_ours
    assert seen == sorted(seen)
    assert seen[0] is Verdict.NOT_EXERCISED
    assert seen[-1] is Verdict.PASS


# ---------------------------------------------------------------- what is no message


def nonsense(seed: int, count: int) -> list[list[bytes]]:
    """What a hub has no use for, from somebody who was not welcomed: random bytes, other versions, wrong lengths,
    several parts, and well-formed messages."""
    draw = random.Random(seed)
    known = [
        pack(said)
        for said in (
            Alive(),
            Bye(),
            Done(0),
            OffAir(1),
            Tune(2, frozenset({1})),
            Place(3, 35.0, 36.0, 8000.0),
            Transmit(4, 1, 0, 0, bytes(40)),
        )
    ]
    found: list[list[bytes]] = []
    while len(found) < count:
        match draw.randrange(5):
            case 0:
                data = draw.randbytes(draw.choice((0, 1, 2, 5, 10, 23, 58, 200, 500)))
            case 1:
                data = bytes([draw.choice((0, 2, 255))]) + draw.choice(known)[1:]
            case 2:
                data = (whole := draw.choice(known))[: draw.randrange(len(whole))] + draw.randbytes(draw.randrange(3))
            case 3:
                found.append([draw.choice([b"", b"\x01A", *known]) for _ in range(draw.randrange(2, 6))])
                continue
            case _:
                data = draw.choice(known)
        try:
            asks = isinstance(unpack_from_station(data), Hello)
        except BadEnvelope:
            asks = False
        if not asks:
            found.append([data])
    return found


def throw(endpoint: str, messages: Sequence[Sequence[bytes]]) -> None:
    """Send these to a hub, from two sockets; and ask at its port for a page, as a browser would."""
    host, _, port = endpoint.removeprefix("tcp://").partition(":")
    with socket.create_connection((host, int(port))) as other:
        other.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with zmq.Context() as context:
        sockets = [context.socket(zmq.DEALER) for _ in range(2)]
        for dealer in sockets:
            dealer.connect(endpoint)
        for n, parts in enumerate(messages):
            sockets[n % 2].send_multipart(parts)
        for dealer in sockets:
            dealer.close(linger=round(LIMIT_S * 1000))


async def test_ten_thousand_malformed_envelopes_are_counted_and_change_nothing(as_ours: Found) -> None:
    thrown = 0
    flight = FlightTest.of(ENCOUNTER, live=True)
    try:
        await flight.start()
        async with asyncio.timeout(LIMIT_S):
            for to_s in (15, 30, 45, 60):
                messages = nonsense(to_s, 2_500)
                thrown += len(messages)
                await asyncio.gather(asyncio.to_thread(throw, flight.endpoint, messages), flight.advance(to_s))
            while flight.report()["host"]["malformed"] < thrown:
                await asyncio.sleep(0.01)
            await flight.finish()
    finally:
        flight.close()
    report, *rest = found_by(flight)
    assert report["host"].pop("malformed") == thrown == 10_000
    expected, *others = as_ours
    assert report == {**expected, "host": {k: v for k, v in expected["host"].items() if k != "malformed"}}
    assert rest == others


# ---------------------------------------------------------------- a test that gives up


async def test_a_test_that_gives_up_while_it_waits_leaves_nothing_and_waits_no_more(
    configs: Path, births: list[int]
) -> None:
    """Somebody has started the processes in a thread: two may not use one run at once."""
    path = altered(configs / "scenarios" / "quiet.toml", "waits.toml", {"SOKOL 2": "external = true"})
    flight = FlightTest.of(path, live=True)
    await flight.start()
    waiting = asyncio.create_task(flight.advance(10))
    while flight._driver._working is None or flight._driver._working.done():  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(RuntimeError, match="gave up waiting"):
        await flight.advance(20)
    flight.close()
    assert flight.report()["host"]["broken"] == []
    assert not [pid for pid in births if is_there(pid)]
    assert not flight._driver._path.exists()  # type: ignore[attr-defined]
