"""`airaccord hub` and `airaccord node`: a run in pieces, each started by somebody else."""

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest

from nodes.flight import load
from nodes.main import run
from nodes.shipped import scenario
from nodes.testing import FlightTest
from protocol import codec
from radio.handle import Radio
from radio.recording import Reader, Reception
from tests.nodes.live.strangers import LIMIT_S, Pilot, Program, altered, troubles

BREACH, QUIET = scenario("encounter-2015-breach"), scenario("quiet")
SIGNS = ("HAWK 11", "HAWK 12", "REAPER 1", "SOKOL 1", "SOKOL 2")
HAWK_11, SOKOL_1 = 0xAE1001, 0x155001

Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts programs, each with a folder for what it writes; none is left when the test ends."""
    programs: list[Program] = []

    def begin(*arguments: str | Path) -> Program:
        programs.append(Program(tmp_path / f"program {len(programs)}", arguments))
        return programs[-1]

    yield begin
    for program in programs:
        program.end()


def begin_hub(start: Start, path: Path, *arguments: str | Path) -> tuple[Program, str]:
    """A hub on a port of its own choice, at pace max; and where it listens."""
    hub = start("hub", path, "--listen", "127.0.0.1:0", "--pace", "max", *arguments)
    return hub, hub.says(r"waiting for .* at (\S+)\n")


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The last line that a wrong call is answered with, on stderr and nowhere else. One that waits is interrupted."""
    timer = threading.Timer(LIMIT_S, signal.raise_signal, [signal.SIGTERM])
    timer.start()
    try:
        assert run(arguments) == 2
    finally:
        timer.cancel()
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()[-1].removeprefix("airaccord: ")


# ---------------------------------------------------------------- the same as in virtual time


def test_a_hub_and_a_node_for_each_station_write_what_simulate_writes(start: Start, tmp_path: Path) -> None:
    """In a scenario with a fault, which its node commits."""
    hub, endpoint = begin_hub(start, BREACH, "--output", tmp_path / "live")
    nodes = [start("node", BREACH, sign, "--hub", endpoint) for sign in SIGNS]
    assert hub.ends() == 1
    assert [node.ends() for node in nodes] == [0] * len(SIGNS)
    assert [node.wrote for node in nodes] == [f"airaccord: {s} is looking for the hub at {endpoint}\n" for s in SIGNS]

    assert run(["simulate", str(BREACH), "--output", str(tmp_path / "virtual")]) == 1
    live, virtual = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("live", "virtual"))
    live["report.json"] = live["report.json"].replace(b'"mode": "run"', b'"mode": "simulate"')
    live["report.txt"] = live["report.txt"].replace(b"flown live", b"simulated")
    assert live == virtual
    assert set(live) == {"monitor.pcapng", "truth.jsonl", "report.json", "report.txt"}


# ---------------------------------------------------------------- nodes that end


async def test_nodes_that_end_are_told_and_accuse_nobody(start: Start, configs: Path, tmp_path: Path) -> None:
    """One is killed, another begins where it was, and leaves by Ctrl-C; a third one flies on to the end.

    The other aircraft is the test's own: what it does not hand back is time that stands still.
    """
    path = altered(configs / "scenarios" / "encounter-2015.toml", "two.toml", {}, only=("MON 1", "HAWK 11", "SOKOL 1"))
    hub, endpoint = begin_hub(start, path, "--output", tmp_path / "out", "--patience", "600")
    first = start("node", path, "SOKOL 1", "--hub", endpoint)
    async with Radio.connect(endpoint, address=HAWK_11) as radio:
        hawk = Pilot(radio, load(path))
        await hawk.to(25)
        first.signal(signal.SIGKILL)
        await hawk.to(35)
        hub.says(r"SOKOL 1 \(155001\) is gone without a farewell")

        second = start("node", path, "155001", "--hub", endpoint)
        hub.says(r"SOKOL 1 \(155001\) is back")
        await hawk.to(45)
        second.signal(signal.SIGINT)
        assert second.ends() == 130
        hub.says(r"SOKOL 1 \(155001\) has left")

        third = start("node", path, "SOKOL 1", "--hub", endpoint)
        hub.says(r"(?s)SOKOL 1 \(155001\) is back.*SOKOL 1 \(155001\) is back")
        await hawk.to(75)
    assert third.ends() == 0
    assert hub.ends() == 0, "no process of the run's own was in trouble, and nobody broke the agreement"

    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert not [v for v in report["verdicts"] if v["verdict"] == "fail"]
    assert report["host"]["broken"] == []
    told = [what.partition("(155001) ")[2] for what in report["host"]["told"]]
    assert told == ["is gone without a farewell", "is back", "has left", "is back"]

    recording = (tmp_path / "out" / "monitor.pcapng").read_bytes()
    (trouble,) = troubles(recording)[SOKOL_1]
    seconds = [(at_ns - hawk.start_ns) / 1e9 for at_ns in (trouble.from_ns, trouble.until_ns or 0)]
    assert 24.9 < seconds[0] < 35 <= seconds[1] < 35.1
    frames = [codec.decode(r.frame) for r in Reader(BytesIO(recording)) if isinstance(r, Reception)]
    sessions = list(dict.fromkeys(f.session for f in frames if f.source == SOKOL_1))
    assert sessions == [(sessions[0] + n) % 255 for n in range(3)]


def test_who_waits_for_nobody_ends_with_ctrl_c(start: Start, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens there
        node = start("node", QUIET, "HAWK 11", "--hub", f"127.0.0.1:{taken.getsockname()[1]}")
        hub, _ = begin_hub(start, QUIET, "--output", tmp_path / "out")
        node.says("HAWK 11 is looking for the hub at tcp://127.0.0.1")
        for program in (node, hub):
            program.signal(signal.SIGINT)
        assert node.ends() == 130
        assert hub.ends() == 130
    assert "interrupted at 0 s" in hub.wrote
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["verdict"] == "not_exercised"


def test_a_node_says_that_there_is_no_hub(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens there
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        why = refusal(["node", str(QUIET), "HAWK 11", "--hub", at, "--wait", "0.3"], capsys)
    assert why == f"--hub: no hub answers at tcp://{at} after 0.3 s (--wait): start `airaccord hub` there"


async def test_a_node_whose_run_ends_early_says_why(start: Start, configs: Path) -> None:
    path = altered(configs / "scenarios" / "encounter-2015.toml", "two.toml", {}, only=("MON 1", "HAWK 11", "SOKOL 1"))
    hub, endpoint = begin_hub(start, path, "--patience", "600")
    node = start("node", path, "SOKOL 1", "--hub", endpoint)
    async with Radio.connect(endpoint, address=HAWK_11) as radio:
        await Pilot(radio, load(path)).to(5)
        hub.process.kill()
    assert node.ends() == 5
    assert node.wrote.endswith("airaccord: SOKOL 1: the run has ended early: whoever started the run is gone\n")


async def test_a_node_whose_hub_is_gone_says_so(start: Start, configs: Path) -> None:
    path = altered(configs / "scenarios" / "encounter-2015.toml", "two.toml", {}, only=("MON 1", "HAWK 11", "SOKOL 1"))
    hub, endpoint = begin_hub(start, path, "--patience", "600")
    node = start("node", path, "SOKOL 1", "--hub", endpoint, "--wait", "2")
    async with Radio.connect(endpoint, address=HAWK_11) as radio:
        await Pilot(radio, load(path)).to(5)  # time goes on only when everybody is there
        os.killpg(hub.process.pid, signal.SIGKILL)  # all of it at once: no process says that the run is over
    assert node.ends() == 5
    assert node.wrote.endswith(f"airaccord: SOKOL 1: no word from the hub at {endpoint} for 2 s (--wait): it is gone\n")


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        (["HAWK 1"], "nobody is called so; there are SOKOL 1, SOKOL 2, HAWK 11, HAWK 12"),
        (["MON 1"], "'MON 1': is a monitor, which the hub starts"),
        (["HAWK 11", "--hub", "192.168.1.7:5555"], "--hub: '192.168.1.7:5555': only addresses of this machine"),
        (["HAWK 11", "--hub", "127.0.0.1"], "--hub: '127.0.0.1' needs a host and a port"),
        (["HAWK 11", "--hub", "127.0.0.1:0"], "--hub: '127.0.0.1:0': a hub listens on a port of its own, never on 0"),
    ],
)
def test_a_node_refuses_what_cannot_be(arguments: list[str], about: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert about in refusal(["node", str(QUIET), *arguments], capsys)


def test_a_node_does_not_fly_who_has_no_way(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = altered(configs / "scenarios" / "quiet.toml", "external.toml", {"SOKOL 2": "external = true"})
    path.write_text(path.read_text(encoding="utf-8").replace("waypoints = [[0, 35.60, 35.94", "# [[0, 35.60, 35.94"))
    assert "'SOKOL 2': has no waypoints" in refusal(["node", str(path), "SOKOL 2"], capsys)


async def test_a_node_says_why_the_hub_will_not_have_it(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = altered(configs / "scenarios" / "quiet.toml", "other.toml", {})
    other.write_text(other.read_text(encoding="utf-8").replace("ae1002", "ae1fff"))
    path = altered(configs / "scenarios" / "quiet.toml", "external.toml", {"SOKOL 2": "external = true"})
    flight = FlightTest.of(path, live=True)
    try:
        await flight.start()
        at = ["--hub", flight.endpoint]
        why = refusal(["node", str(path), "HAWK 11", *at], capsys)
        assert why.startswith(f"{flight.endpoint}: refuses HAWK 11: the address ae1001 is taken")
        why = refusal(["node", str(other), "HAWK 12", *at], capsys)
        assert why.startswith(f"{flight.endpoint}: refuses HAWK 12: nobody with the address ae1fff is expected")
    finally:
        flight.close()


def test_a_hub_names_who_does_not_come_and_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    why = refusal(["hub", str(QUIET), "--listen", "127.0.0.1:0", "--wait", "0.1"], capsys)
    assert "not there after 0.1 s (--wait) at tcp://127.0.0.1:" in why
    assert why.endswith(": SOKOL 1, SOKOL 2, HAWK 11, HAWK 12")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"--listen: tcp://{at}: Address already in use" in refusal(["hub", str(QUIET), "--listen", at], capsys)
