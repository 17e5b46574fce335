"""The ground line in a live run: the bytes of virtual time, and what becomes of documents when something dies."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nodes.flight import Flight, load
from nodes.live.director import Director
from nodes.live.ground_line import MOST_STARTS
from nodes.report import exit_code
from nodes.simulation import Simulation
from protocol.judge import Tally
from protocol.line.documents import Document
from protocol.line.intake import Intake
from protocol.line.names import prefix
from protocol.verdicts import Outcome
from radio.line_mqtt import LineMqtt
from radio.recording import LineDocument, LineGap, Record, read
from tests.nodes.live.conftest import Make, flight_of, go, passed_s, processes, strike, until
from tests.oracles import oracle
from tests.radio.line_brokers import Mosquitto

LINE = "ground-line-2015"
TOWER = "station TOWER"
FAULTS = ("uncoordinated_drone", "dead_line", "false_manifest")


class Flown(NamedTuple):
    """What a run gives."""

    tallies: list[Tally]
    recordings: dict[str, bytes]
    truth: str


def virtual(flight: Flight) -> Flown:
    """In virtual time."""
    recordings: dict[str, BytesIO] = {}
    truth = StringIO()
    run = Simulation(flight, flight.scenario.seed, lambda name: recordings.setdefault(name, BytesIO()), truth)
    run.advance(flight.end_ns)
    run.close()
    return Flown(run.tallies(), {name: stream.getvalue() for name, stream in recordings.items()}, truth.getvalue())


def flown(live: Director) -> Flown:
    """What a live run that is over has given."""
    recordings = {path.name: path.read_bytes() for path in live._folder.glob("*.pcapng")}
    return Flown(live.tallies(), recordings, (live._folder / "truth.jsonl").read_text())


@pytest.fixture(params=["amqtt", "mosquitto"])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """How a run is told which broker: none, so that it starts its own, or a real one."""
    if request.param == "amqtt":
        oracle("amqtt", "broker")
        return {}
    return {"broker": request.getfixturevalue("real").url}


# ------------------------------------------------------------------ as in virtual time


@pytest.mark.parametrize(("seconds", "loss"), [(100, None), (60, 0.2)])
@pytest.mark.parametrize("workers", [None, 1])
def test_it_gives_what_virtual_time_gives(
    seconds: float, loss: float | None, workers: int | None, settings: dict[str, Any], director: Make
) -> None:
    """With one worker both headquarters are in one process."""
    flight = flight_of(LINE, seconds, loss)
    live = director(flight, workers=workers, **settings)
    live.start()
    go(live)
    live.close()
    assert (live.broken, live.told) == ([], [])
    assert flown(live) == virtual(flight)


@pytest.mark.parametrize("name", FAULTS)
def test_and_what_a_fault_gives(name: str, settings: dict[str, Any], director: Make) -> None:
    flight = flight_of(f"faults/{name}")
    live = director(flight, **settings)
    live.start()
    go(live)
    live.close()
    expected = virtual(flight)
    assert flown(live) == expected
    assert any(t.counts[Outcome.FAIL] for t in expected.tallies)


def test_plans_and_areas_of_before_the_run_are_there_whoever_comes_first(
    configs: Path, settings: dict[str, Any], director: Make
) -> None:
    """They are published before others are there, and the broker keeps them."""
    path = configs / "scenarios" / f"{LINE}.toml"
    box = "south_deg = 34.9, north_deg = 35.6, west_deg = 36.9, east_deg = 37.3, floor_ft = 15000, ceiling_ft = 19000"
    more = (
        f'plan = [{{ id = "gone-1", station = "REAPER 1", {box}, from_s = 0, until_s = 60, at_s = -90, '
        f"withdrawn_s = -30 }}, "
        f'{{ id = "new-1", station = "REAPER 1", {box}, from_s = -60, until_s = 600, at_s = -8000 }}, '
    )
    closed = f'id = "a-1", party = "federation", {box}, from_s = 0, until_s = 60, at_s = -50, lifted_s = -9'
    text = path.read_text().replace("plan = [", more, 1).replace("area = [", f"area = [{{ {closed} }}, ", 1)
    text = text.replace("duration_s = 180", "duration_s = 30")
    path.write_text(text)
    flight = load(path)
    live = director(flight, **settings)
    live.start()
    go(live)
    live.close()
    assert flown(live) == virtual(flight)


def test_what_another_run_left_at_the_broker_does_not_matter(real: Mosquitto, director: Make) -> None:
    flight = flight_of(LINE, 30)
    expected = virtual(flight)
    for _ in range(2):
        live = director(flight, broker=real.url)
        live.start()
        go(live)
        live.close()
        assert flown(live) == expected


# ------------------------------------------------------------------ documents


def records_of(live: Director, name: str = "monitor.pcapng") -> tuple[Record, ...]:
    """A recording of a run that is over, whole and closed."""
    recording = read(BytesIO((live._folder / name).read_bytes()))
    assert recording.closed
    assert not recording.damage
    return recording.records


def accepted(flight: Flight, records: tuple[Record, ...]) -> list[Document]:
    """What a client acts on of what a monitor has recorded: each once, however often it came."""
    assert flight.line is not None
    intake = Intake(flight.agreement.digest(), flight.line.public)
    came = [intake.take(r.topic, r.payload, r.at_ns) for r in records if isinstance(r, LineDocument)]
    assert set(intake.refused) <= {"repeated"}
    return [document for document in came if isinstance(document, Document)]


def said(documents: list[Document]) -> Counter[tuple[str, str, str]]:
    """What headquarters said, and how often, whenever it was."""
    return Counter(
        (d.sender, d.kind, d.body.model_dump_json()) for d in documents if not d.sender.startswith("monitor-")
    )


def without_holes(documents: list[Document]) -> None:
    """Each sender's numbers are all there; the first of a session is its last will's."""
    numbers: dict[tuple[str, int], list[int]] = {}
    for document in documents:
        numbers.setdefault((document.sender, document.session), []).append(document.number)
    for session, mine in numbers.items():
        assert sorted(mine) == list(range(2 - (1 in mine), max(mine) + 1)), session


def nobody_accused(live: Director) -> None:
    tallies = live.tallies()
    assert [(t.clause, t.subject) for t in tallies if t.counts[Outcome.FAIL]] == []
    assert exit_code(tallies, [], damaged=False, broken=bool(live.broken)) == (5 if live.broken else 0)


@pytest.fixture
def outage(request: pytest.FixtureRequest) -> Callable[[str, Director], "Outage"]:
    def make(kind: str, live: Director) -> Outage:
        return Outage(live, request.getfixturevalue("real") if kind == "mosquitto" else None)

    return make


class Outage:
    """A broker that is killed; our own is started again by the run."""

    def __init__(self, live: Director, real: Mosquitto | None):
        self._live, self._real = live, real

    def begin(self) -> None:
        if self._real:
            self._real.kill()
            return
        line = self._live._supervisor.line
        assert line is not None
        assert line._own is not None
        pid = line._own.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        if self._real:
            self._real.start()


@pytest.mark.parametrize("kind", ["amqtt", "mosquitto"])
def test_a_broker_that_is_killed_and_started_again_loses_nothing(
    kind: str, director: Make, outage: Callable[[str, Director], Outage], request: pytest.FixtureRequest
) -> None:
    flight = flight_of(LINE, 40)
    broker = {"broker": request.getfixturevalue("real").url} if kind == "mosquitto" else {}
    if kind == "amqtt":
        oracle("amqtt", "broker")
    live = director(flight, paced=True, **broker)
    live.start()
    trouble = outage(kind, live)
    go(live, 11.0)  # the first manifests are on their way
    trouble.begin()
    go(live, 14.0)
    trouble.end()
    go(live)
    live.close()
    assert live.broken == []
    assert [line.partition(" s: ")[2] for line in live.told] == (
        [] if kind == "mosquitto" else ["the broker of the ground line has ended; it is started again"]
    )
    expected = virtual(flight).recordings
    for name in ("monitor.pcapng", "mon_2.pcapng"):
        records = records_of(live, name)
        documents = accepted(flight, records)
        assert said(documents) == said(accepted(flight, read(BytesIO(expected[name])).records))
        without_holes(documents)
        assert [r for r in records if isinstance(r, LineGap)]
    nobody_accused(live)


def test_a_headquarters_that_is_killed_is_excused_and_goes_on(settings: dict[str, Any], director: Make) -> None:
    flight = flight_of(LINE, 120)
    live = director(flight, **settings)
    live.start()
    go(live, 47.0)
    begun_s = time.monotonic()
    assert strike(processes(live)[TOWER])
    go(live)
    assert time.monotonic() - begun_s < 60, "nobody waits in vain again and again"
    live.close()
    assert [line.partition(" s: ")[2] for line in live.broken] == [
        f"{TOWER} was killed by SIGKILL; it is started again"
    ]
    documents = accepted(flight, records_of(live))
    assert len({d.session for d in documents if d.sender == "coalition"}) == 2
    assert [d.sender for d in documents if d.kind == "gone"] == ["coalition"]
    without_holes(documents)
    last = max(d.at_ns for d in documents if d.sender == "coalition")
    assert last > flight.end_ns - 30_000_000_000
    nobody_accused(live)


def test_the_recording_of_a_monitor_that_was_killed_goes_on(settings: dict[str, Any], director: Make) -> None:
    flight = flight_of(LINE, 120)
    live = director(flight, **settings)
    live.start()
    go(live, 47.0)
    assert strike(processes(live)["monitor MON 1"])
    go(live)
    live.close()
    records = records_of(live)
    came = [(r.topic, r.payload) for r in records if isinstance(r, LineDocument)]
    assert len(came) == len(set(came))
    expected = said(accepted(flight, read(BytesIO(virtual(flight).recordings["monitor.pcapng"])).records))
    found = said(accepted(flight, records))
    assert found <= expected
    assert sum(found.values()) >= sum(expected.values()) - 10, "what it had taken and not recorded yet"
    gaps: dict[int, int | None] = {r.from_ns: r.until_ns for r in records if isinstance(r, LineGap)}
    assert gaps
    assert None not in gaps.values()
    without_holes(accepted(flight, records_of(live, "mon_2.pcapng")))
    nobody_accused(live)


def test_a_hub_that_is_killed_leaves_the_line_as_it_is(settings: dict[str, Any], director: Make) -> None:
    flight = flight_of(LINE, 120)
    live = director(flight, **settings)
    live.start()
    go(live, 47.0)
    assert strike(processes(live)["hub"])
    go(live)
    live.close()
    assert len(live.broken) == 1
    documents = accepted(flight, records_of(live))
    without_holes(documents)
    assert {len({d.session for d in documents if d.sender == client}) for client in ("coalition", "federation")} == {1}
    assert not [d for d in documents if d.kind == "gone"]
    nobody_accused(live)


def test_a_line_without_a_broker_stops_nobody(real: Mosquitto, director: Make) -> None:
    flight = flight_of(LINE, 60)
    live = director(flight, broker=real.url)
    live.start()
    go(live, 20.0)
    real.kill()
    go(live)
    begun_s = time.monotonic()
    live.close()
    assert time.monotonic() - begun_s < 20
    assert (live.broken, passed_s(live)) == ([], 60)
    nobody_accused(live)


def test_a_broker_that_answers_no_more_is_waited_for_once(real: Mosquitto, director: Make) -> None:
    """It was stopped, and its connections stand: it takes some 20 s to be sure."""
    flight = flight_of(LINE, 60)
    live = director(flight, broker=real.url, patience_s=4.0)
    live.start()
    go(live, 20.0)
    assert real.pid is not None
    os.kill(real.pid, signal.SIGSTOP)
    try:
        go(live)
    finally:
        os.kill(real.pid, signal.SIGCONT)
    live.close()
    assert live.broken == []
    nobody_accused(live)


def test_our_broker_is_started_six_times_at_most(director: Make) -> None:
    oracle("amqtt", "broker")
    live = director(flight_of(LINE, 200), paced=True)
    live.start()
    trouble = Outage(live, None)
    for starts in range(2, MOST_STARTS + 1):
        trouble.begin()
        until(lambda starts=starts: len(live.told) == starts - 1, live.step)  # type: ignore[misc]
    trouble.begin()
    until(lambda: len(live.told) == MOST_STARTS, live.step)
    live.step()
    live.close()
    assert live.told[-1].endswith(f"has ended; after {MOST_STARTS} starts it is left alone")
    assert live.broken == []


def test_our_broker_ends_with_the_run(director: Make) -> None:
    oracle("amqtt", "broker")
    live = director(flight_of(LINE, 5))
    live.start()
    line = live._supervisor.line
    assert line is not None
    assert line._own is not None
    pid, state = line._own.pid, line._own._state
    assert pid is not None
    assert state is not None
    go(live)
    live.close()
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert not Path(state).exists()


def test_ten_thousand_strange_documents_change_nothing(real: Mosquitto, director: Make) -> None:
    """They are recorded as they come; nobody acts on one, and nobody waits for them."""
    flight = flight_of(LINE, 60)
    live = director(flight, broker=real.url, paced=False)
    live.start()
    go(live, 10.0)
    topic = f"{prefix(flight.agreement.digest())}/call/federation"
    ahead = {"sender": "federation", "session": 1, "number": 1, "at_ns": flight.start_ns + 55_000_000_000}
    stranger = LineMqtt(real.url, "stranger", prefix="nothing")
    stranger.connect()
    for n in range(10_000):
        payload = (b"\xff", b"[" * 999, b"{}", json.dumps({**ahead, "number": n}).encode())[n % 4]
        stranger.publish(topic, payload)
    go(live, 12.0)
    assert stranger.close(60.0)
    go(live)
    live.close()
    records = records_of(live)
    assert flight.line is not None
    intake = Intake(flight.agreement.digest(), flight.line.public)
    for record in records:
        if isinstance(record, LineDocument):
            intake.take(record.topic, record.payload, record.at_ns)
    assert sum(intake.refused.values()) == 10_000
    assert live.broken == []
    nobody_accused(live)
