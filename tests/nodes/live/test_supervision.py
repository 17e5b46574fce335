"""One process of a run dies, is stopped or is taken away at a known instant: what is told, recorded and judged."""

import socket
import time
from collections import Counter
from io import BytesIO, StringIO
from pathlib import Path
from signal import SIGCONT, SIGSTOP

import pytest
import zmq

from nodes.checking import check
from nodes.flight import Flight, load
from nodes.live import monitor_process
from nodes.live.crew import Crew
from nodes.live.director import Director
from nodes.live.monitor_process import TooLong, finish_recording
from nodes.live.processes import Child, how_it_ended
from nodes.monitor import header_of, monitors_of
from nodes.report import BROKEN, exit_code
from nodes.simulation import Simulation
from protocol import codec
from protocol.judge import Tally
from protocol.units import NS_PER_S
from protocol.verdicts import Cause, Outcome, Verdict
from radio import envelope
from radio.recording import HearingGap, HostTrouble, Reception, Record, Writer, read
from tests.nodes.live.conftest import Make, flight_of, go, is_there, passed_s, processes, strike, until
from tests.nodes.live.strangers import altered

HUB, MONITOR, SOKOL_2, HAWK_11 = "hub", "monitor MON 1", 0x155002, 0xAE1001
SECONDS = 45
WINDOW_S = 0.05
AGAIN = "was killed by SIGKILL; it is started again"


@pytest.fixture(scope="module")
def undisturbed() -> tuple[list[Tally], bytes]:
    """What the encounter's first 45 s give when nothing happens: verdicts and recording."""
    flight, recording = flight_of("encounter-2015", SECONDS), BytesIO()
    run = Simulation(flight, flight.scenario.seed, lambda name: recording, StringIO())
    run.advance(flight.end_ns)
    run.close()
    return run.tallies(), recording.getvalue()


def begun(director: Make, at_s: float, flight: Flight | None = None, **settings: object) -> Director:
    """The encounter, flown to an instant."""
    live = director(flight or flight_of("encounter-2015", SECONDS), **settings)
    live.start()
    go(live, at_s)
    return live


def folder_of(live: Director) -> Path:
    return live._folder


def records_of(live: Director) -> tuple[Record, ...]:
    """The recording of a run that is over: whole and closed; and `check` finds what the run found."""
    path = folder_of(live) / "monitor.pcapng"
    recording = read(BytesIO(path.read_bytes()))
    assert not recording.damage
    assert recording.closed
    checked = check(path, live.flight.agreement)
    assert checked.tallies == live.tallies()
    assert checked.heard == live.heard()
    return recording.records


def troubles(records: tuple[Record, ...], flight: Flight) -> list[tuple[int, float, float | None]]:
    """Whose trouble was recorded, from when until when, in seconds since the start, as it was told last."""
    last = {(r.address, r.from_ns): r.until_ns for r in records if isinstance(r, HostTrouble)}
    return [
        (address, (since - flight.start_ns) / 1e9, None if end is None else (end - flight.start_ns) / 1e9)
        for (address, since), end in last.items()
    ]


def sessions(records: tuple[Record, ...]) -> dict[int, list[int]]:
    """The sessions of each station, in the order in which they were heard."""
    found: dict[int, list[int]] = {}
    for record in records:
        if isinstance(record, Reception):
            frame = codec.decode(record.frame)
            mine = found.setdefault(frame.source, [])
            if frame.session not in mine:
                mine.append(frame.session)
    return found


def heard_s(records: tuple[Record, ...], flight: Flight, address: int | None = None) -> list[float]:
    """When frames of a station, or of all, were heard, in seconds since the start."""
    return [
        (r.arrival_ns - flight.start_ns) / 1e9
        for r in records
        if isinstance(r, Reception) and address in (None, codec.decode(r.frame).source)
    ]


def judged(live: Director) -> dict[tuple[str, str], Tally]:
    """All verdicts of a run; nobody is accused, and the run is not taken for one without trouble."""
    tallies = live.tallies()
    assert [(t.clause, t.subject) for t in tallies if t.counts[Outcome.FAIL]] == []
    assert exit_code(tallies, [], damaged=False, broken=bool(live.broken)) == (BROKEN if live.broken else 0)
    return {(t.clause, t.subject): t for t in tallies}


def ended(live: Director) -> None:
    """Fly to the end, and close."""
    go(live)
    live.close()


# ------------------------------------------------------------------ stations


@pytest.mark.parametrize("at_s", [3.0, 18.0, 31.0])
def test_a_station_that_was_killed_begins_a_session_of_its_own_and_is_excused(at_s: float, director: Make) -> None:
    live = begun(director, at_s)
    assert strike(processes(live)["station SOKOL 2"])
    ended(live)
    assert len(live.broken) == 1
    told_s, _, what = live.broken[0].removeprefix("at ").partition(" s: ")
    assert what == f"station SOKOL 2 {AGAIN}"
    assert float(told_s) >= at_s
    records = records_of(live)
    first, second = sessions(records)[SOKOL_2]
    assert second == (first + 1) % 255
    ((whose, from_s, until_s),) = troubles(records, live.flight)
    assert whose == SOKOL_2
    assert at_s <= from_s <= at_s + 2 * WINDOW_S
    assert until_s is not None
    assert not [s for s in heard_s(records, live.flight, SOKOL_2) if from_s + 0.2 < s < until_s]
    verdicts = judged(live)
    silence = verdicts["4.1", f"{SOKOL_2:06x}"]
    assert silence.verdict in (Verdict.INCONCLUSIVE, Verdict.PASS)
    assert silence.causes in ({Cause.HOST_TROUBLE: 1}, {})
    others = [t for (_, subject), t in verdicts.items() if "/" not in subject and subject != f"{SOKOL_2:06x}"]
    assert {t.causes.get(Cause.HOST_TROUBLE, 0) for t in others if t.clause in ("1.1", "1.4", "4.1", "5.1")} == {0}


def test_at_pace_max_time_waits_for_a_station_that_is_started_again(
    director: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all of the flight could go by meanwhile: its other half takes less than what is slept here."""
    start = Crew.start

    def slowly(self: Crew, child: Child, endpoint: str) -> Child:
        if child.starts:
            time.sleep(2.0)  # nothing is waited for: this is what a slow machine looks like
        return start(self, child, endpoint)

    monkeypatch.setattr(Crew, "start", slowly)
    live = begun(director, 20.0)
    assert strike(processes(live)["station SOKOL 2"])
    ended(live)
    records = records_of(live)
    ((_, from_s, until_s),) = troubles(records, live.flight)
    assert until_s is not None
    assert until_s - from_s <= 5
    (back,) = live.told
    assert back.endswith("SOKOL 2 (155002) is back")


def test_a_station_that_is_stopped_is_killed_and_begins_again(director: Make) -> None:
    live = begun(director, 20.0, patience_s=0.3)
    assert strike(processes(live)["station SOKOL 2"], SIGSTOP)
    ended(live)
    (line,) = live.broken
    assert line.endswith("station SOKOL 2 did not answer for 0.3 s and was killed; it is started again")
    records = records_of(live)
    assert len(sessions(records)[SOKOL_2]) == 2
    assert {whose for whose, _, _ in troubles(records, live.flight)} == {SOKOL_2}
    assert judged(live)["4.1", f"{SOKOL_2:06x}"].verdict in (Verdict.INCONCLUSIVE, Verdict.PASS)


@pytest.mark.parametrize("name", [HUB, MONITOR, "station SOKOL 2"])
def test_a_pause_that_nobody_minds_changes_nothing_at_all(
    name: str, director: Make, undisturbed: tuple[list[Tally], bytes]
) -> None:
    live = begun(director, 20.0, patience_s=60.0)
    victim = processes(live)[name]
    assert strike(victim, SIGSTOP)
    live.go(live.flight.end_ns)
    for _ in range(5):
        live.step()
    assert passed_s(live) <= 20.0 + 2 * WINDOW_S
    assert strike(victim, SIGCONT)
    ended(live)
    assert not live.broken
    assert not live.told
    assert live.tallies() == undisturbed[0]
    assert (folder_of(live) / "monitor.pcapng").read_bytes() == undisturbed[1]


def test_who_shares_a_process_shares_its_end(director: Make) -> None:
    live = begun(director, 20.0, workers=2)
    (shared,) = [child for child in processes(live).values() if SOKOL_2 in child.stations]
    crew = set(shared.stations)
    assert len(crew) > 1
    assert strike(shared)
    ended(live)
    (line,) = live.broken
    assert line.endswith(f"{shared.name} {AGAIN}")
    records = records_of(live)
    assert {whose for whose, _, _ in troubles(records, live.flight)} == crew
    assert {address for address, mine in sessions(records).items() if len(mine) == 2} == crew
    judged(live)


# ------------------------------------------------------------------ hub


def test_another_hub_goes_on_where_time_was_granted(director: Make, undisturbed: tuple[list[Tally], bytes]) -> None:
    live = begun(director, 21.0)
    assert strike(processes(live)[HUB])
    until(lambda: live.broken, live.step)
    assert live.broken == [f"at 21.00 s: hub {AGAIN}"]
    assert passed_s(live) == 21.0
    ended(live)
    assert len(live.broken) == 1
    records = records_of(live)
    assert {len(mine) for mine in sessions(records).values()} == {2}, "everybody has begun again"
    (trouble,) = troubles(records, live.flight)
    assert trouble[:2] == (0, 21.0)
    assert trouble[2] is not None
    assert 21.5 < trouble[2] < 23.5, "trouble with all is over when there was none for a second"
    assert heard_s(records, live.flight) == sorted(heard_s(records, live.flight))
    verdicts = judged(live)
    for tally in undisturbed[0]:
        found = verdicts[tally.clause, tally.subject]
        if tally.clause == "5.1" and found.verdict is Verdict.NOT_EXERCISED:
            continue  # who begins again has the grace again
        assert found.verdict in (tally.verdict, Verdict.INCONCLUSIVE)
        if found.verdict is not tally.verdict:
            assert set(found.causes) <= {Cause.HOST_TROUBLE, Cause.MONITOR_DEAF, Cause.FRAME_LOST}
    lines = (folder_of(live) / "truth.jsonl").read_text().splitlines()
    assert len(lines) == len(set(lines)) == live.transmissions, "no frame is told twice"


def test_a_hub_that_says_nothing_is_replaced(director: Make) -> None:
    live = begun(director, 21.0, patience_s=0.3, least_patience_s=0.5)
    assert strike(processes(live)[HUB], SIGSTOP)
    ended(live)
    assert live.broken[0].endswith("hub said nothing for 0.5 s and was killed; it is started again")
    records_of(live)
    judged(live)


def test_trouble_of_before_the_hub_was_lost_is_over_when_all_are_back(director: Make) -> None:
    """Else a station that was killed shortly before the hub would be excused for ever. At pace real time goes on."""
    live = begun(director, 1.0, flight_of("encounter-2015", 8), paced=True)
    live.go(live.flight.end_ns)
    victim = processes(live)["station SOKOL 2"]
    assert strike(victim)
    until(lambda: victim.starts == 2, live.step)
    assert strike(victim, SIGSTOP)
    recording = folder_of(live) / "monitor.pcapng"

    def told() -> bool:
        records = read(BytesIO(recording.read_bytes())).records
        return any(isinstance(r, HostTrouble) and r.address == SOKOL_2 for r in records)

    until(told, live.step)
    assert strike(processes(live)[HUB])
    until(lambda: processes(live)[HUB].starts == 2, live.step)
    assert strike(victim, SIGCONT)
    ended(live)
    records = records_of(live)
    found = troubles(records, live.flight)
    assert {whose for whose, _, _ in found} == {0, SOKOL_2}
    assert all(until_s is not None for _, _, until_s in found)
    judged(live)


# ------------------------------------------------------------------ monitor


def test_a_monitor_that_was_killed_goes_on_in_its_file(director: Make) -> None:
    live = begun(director, 20.0)
    path = folder_of(live) / "monitor.pcapng"
    assert strike(processes(live)[MONITOR])
    until(lambda: processes(live)[MONITOR].ended() is not None)
    before = path.read_bytes()
    ended(live)
    (line,) = live.broken
    assert line in [f"at {at} s: {MONITOR} {AGAIN}" for at in ("20.00", "20.05")]
    assert path.read_bytes().startswith(before)
    records = records_of(live)
    (gap,) = [r for r in records if isinstance(r, HearingGap)]
    assert (gap.until_ns - live.flight.start_ns) / 1e9 in (20.0, 20.05), "time stood still without it"
    assert 0 < gap.until_ns - gap.from_ns < NS_PER_S
    assert {len(mine) for mine in sessions(records).values()} == {1}, "nobody else has noticed"
    judged(live)


def test_a_monitor_that_is_killed_while_the_run_ends_leaves_a_whole_recording(director: Make) -> None:
    live = begun(director, SECONDS)
    assert strike(processes(live)[MONITOR])
    live.close()
    assert [line.partition(" s: ")[2] for line in live.broken] in (
        [f"{MONITOR} was killed by SIGKILL"],
        [f"{MONITOR} {AGAIN}"],
    )
    assert records_of(live)
    assert judged(live)["4.1", f"{SOKOL_2:06x}"].verdict is Verdict.PASS


def test_a_monitor_that_is_stopped_while_the_run_ends_is_not_waited_for_for_ever(director: Make) -> None:
    live = begun(director, SECONDS, least_patience_s=0.2, patience_s=0.2)
    assert strike(processes(live)[MONITOR], SIGSTOP)
    live.close()
    assert live.broken == [f"at {SECONDS}.00 s: {MONITOR} did not end when the run was over, and was killed"]
    assert records_of(live)
    judged(live)


@pytest.mark.parametrize(("number", "told"), [(9, "was killed by SIGKILL"), (SIGSTOP, "did not end when the run was")])
def test_without_a_hub_to_say_so_the_run_ends_all_the_same(number: int, told: str, director: Make) -> None:
    live = begun(director, SECONDS, least_patience_s=1.0, patience_s=0.2)
    assert strike(processes(live)[HUB], number)
    live.close()
    (line,) = live.broken
    assert f"hub {told}" in line
    records = records_of(live)
    assert max(heard_s(records, live.flight)) > SECONDS - 1
    judged(live)


def test_an_interrupted_run_gives_what_was_judged_so_far_even_if_nobody_answers(director: Make) -> None:
    live = begun(director, 20.0)
    for child in processes(live).values():
        assert strike(child, SIGSTOP)
    live.close([2])
    assert records_of(live)
    assert judged(live)["4.1", f"{SOKOL_2:06x}"].verdict is Verdict.PASS


def test_a_recording_that_nobody_began_is_a_recording_without_records(tmp_path: Path) -> None:
    flight = flight_of("quiet")
    (entry,) = monitors_of(flight).values()
    for name, now_ns, gaps in (("none", flight.start_ns, 0), ("late", flight.start_ns + NS_PER_S, 1)):
        tallies, heard = finish_recording(tmp_path / name, entry, flight, now_ns, True, lambda finding: None)
        recording = read(BytesIO((tmp_path / name).read_bytes()))
        assert (len(recording.records), recording.closed, recording.damage) == (gaps, True, ())
        assert recording.end_ns == now_ns
        assert not any(t.counts[o] for t in tallies for o in (Outcome.PASS, Outcome.FAIL))
        assert not any(heard.values())


def test_a_recording_that_is_closed_or_damaged_is_judged_and_left_alone(
    undisturbed: tuple[list[Tally], bytes], tmp_path: Path
) -> None:
    flight, path = flight_of("encounter-2015", SECONDS), tmp_path / "monitor.pcapng"
    (entry,) = monitors_of(flight).values()
    data = undisturbed[1]
    damaged = data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]
    for there in (data, damaged):
        path.write_bytes(there)
        tallies, _ = finish_recording(path, entry, flight, flight.end_ns, True, lambda finding: None)
        assert path.read_bytes() == there
        assert (tallies == undisturbed[0]) is (there == data)


def test_who_reads_a_long_recording_again_shows_that_it_is_alive(
    monkeypatch: pytest.MonkeyPatch, undisturbed: tuple[list[Tally], bytes]
) -> None:
    """It takes longer than anybody's patience, after hours of flight."""
    monkeypatch.setattr(monitor_process, "TELL_EVERY", 100)
    flight, said = flight_of("encounter-2015", SECONDS), []
    (entry,) = monitors_of(flight).values()
    stream = BytesIO()
    writer = Writer(stream, header_of(entry, flight))
    for _ in range(250):
        writer.hearing_gap(flight.start_ns, flight.start_ns)
    stream.seek(0)
    book = monitor_process._Book(stream, entry, flight, False, said.append)
    assert said == [("busy",), ("busy",)]
    assert book.result() == ([], {})


# ------------------------------------------------------------------ taken away, or failed for good


def test_who_was_removed_is_no_trouble_and_does_not_come_back(director: Make) -> None:
    """Not even when the process that it shared with others is started again."""
    live = begun(director, 10.0, workers=1)
    (shared,) = [child for child in processes(live).values() if SOKOL_2 in child.stations]
    live.remove(SOKOL_2)
    assert not live.broken
    assert SOKOL_2 not in live.there()
    go(live, 20.0)
    assert strike(shared)
    ended(live)
    assert [line.partition(" s: ")[2] for line in live.broken] == [f"{shared.name} {AGAIN}"]
    records = records_of(live)
    assert max(heard_s(records, live.flight, SOKOL_2)) < 10.2
    assert {len(mine) for address, mine in sessions(records).items()} == {1, 2}
    assert SOKOL_2 not in {whose for whose, _, _ in troubles(records, live.flight)}
    judged(live)


def test_who_was_removed_takes_its_process_along(director: Make) -> None:
    live = begun(director, 10.0)
    pid = processes(live)["station SOKOL 2"].pid
    live.remove(SOKOL_2)
    until(lambda: not is_there(pid), live.step)
    ended(live)
    assert not live.broken
    assert judged(live)["4.1", f"{SOKOL_2:06x}"].verdict in (Verdict.INCONCLUSIVE, Verdict.PASS)


FRAIL = """
from nodes.stations.aircraft import Aircraft

class Frail(Aircraft):
    heard = 0

    def hear(self, now_ns, hearing):
        self.heard += 1
        if self.heard > 20:
            raise OverflowError("too much")
        return super().hear(now_ns, hearing)
"""


def test_who_has_failed_for_good_does_not_come_back_with_its_process(director: Make, configs: Path) -> None:
    (configs / "scenarios" / "frail.py").write_text(FRAIL)
    path = altered(configs / "scenarios" / "quiet.toml", "own.toml", {"SOKOL 2": 'python = "frail:Frail"'})
    live = begun(director, 20.0, load(path), workers=1)
    (line,) = live.broken
    assert (
        f"station SOKOL 2 failed in hear: OverflowError: too much ({configs / 'scenarios' / 'frail.py'}, line 10)"
        in line
    )
    (shared,) = [child for child in processes(live).values() if HAWK_11 in child.stations]
    assert strike(shared)
    ended(live)
    assert len(live.broken) == 2
    records = records_of(live)
    assert len(sessions(records)[SOKOL_2]) == 1
    assert len(sessions(records)[HAWK_11]) == 2
    judged(live)


# ------------------------------------------------------------------ beginnings


@pytest.mark.parametrize("name", [HUB, MONITOR, "station SOKOL 2"])
@pytest.mark.parametrize(("number", "told"), [(9, AGAIN), (SIGSTOP, "and was killed; it is started again")])
def test_who_is_lost_before_the_run_begins_is_started_again(
    name: str, number: int, told: str, director: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = director(flight_of("quiet", 5), patience_s=0.3, least_patience_s=1.0)
    start = type(live._supervisor.hub).start

    def struck(child: object, *arguments: object) -> None:
        start(child, *arguments)  # type: ignore[arg-type]
        if child.name == name and child.starts == 1:  # type: ignore[attr-defined]
            strike(child, number)  # type: ignore[arg-type]

    monkeypatch.setattr(type(live._supervisor.hub), "start", struck)
    live.start()
    assert not live._supervisor.absence.missing_s
    ended(live)
    # on a slow machine the blow may come when it has joined: then it is missed as soon as time is to go on
    assert [line for line in live.broken if name in line and line.endswith(told)]
    records = records_of(live)
    assert len(sessions(records)) == 4
    assert min(heard_s(records, live.flight)) < 1.2
    judged(live)


def test_a_station_from_elsewhere_may_come_before_it_is_waited_for_and_late(director: Make, configs: Path) -> None:
    """Late: after longer than anybody would be waited for in flight."""
    path = altered(configs / "scenarios" / "quiet.toml", "open.toml", {"SOKOL 2": "external = true"})
    live = director(load(path), patience_s=0.3)
    live.start()
    before_s = live._supervisor.status
    for _ in range(12):
        live.step()
    assert live._supervisor.status is not before_s
    context = zmq.Context()
    try:
        with context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.connect(live.endpoint)
            dealer.send(envelope.pack(envelope.Hello(SOKOL_2, granted=True)))
            until(lambda: SOKOL_2 in live._supervisor.joined, live.step)
            welcome = envelope.unpack_from_hub(dealer.recv())
            assert isinstance(welcome, envelope.Welcome)
            dealer.send(envelope.pack(envelope.Place(welcome.now_ns, 35.5, 36.0, 6000.0)))
            dealer.send(envelope.pack(envelope.Done(welcome.now_ns)))
            live.wait_for_external(lambda names: pytest.fail(f"nobody is missing: {names}"))
            dealer.send(envelope.pack(envelope.Bye()))
            until(lambda: SOKOL_2 not in live._supervisor.joined, live.step)
    finally:
        context.destroy(linger=0)
    assert live.told == ["at 0.00 s: SOKOL 2 (155002) has left"]
    ended(live)
    assert not live.broken
    judged(live)


def test_the_port_is_given_back(director: Make) -> None:
    live = begun(director, 1.0, flight_of("quiet", 2))
    port = int(live.endpoint.rpartition(":")[2])
    live.close()
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_signals_have_names() -> None:
    assert how_it_ended(3) == "ended with exit status 3"
    assert how_it_ended(-9) == "was killed by SIGKILL"
    assert how_it_ended(-50) == "was killed by signal 50"


def test_who_is_refused_again_and_again_is_told_once(director: Make) -> None:
    live = begun(director, 1.0, flight_of("quiet", 5))
    context = zmq.Context()
    try:
        with context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.connect(live.endpoint)
            for _ in range(20):
                dealer.send(envelope.pack(envelope.Hello(HAWK_11, granted=True)))
            until(lambda: live.counts.get("refused") == 20, live.step)
    finally:
        context.destroy(linger=0)
    ended(live)
    assert Counter(live.told).most_common(1)[0][1] == 1
    (line,) = live.told
    assert "somebody was refused as ae1001: the address ae1001 is taken by a station that is already there" in line
    assert not live.broken
    judged(live)


def test_a_recording_that_takes_too_long_to_judge_is_judged_as_far_as_there_is_time(
    tmp_path: Path, undisturbed: tuple[list[Tally], bytes]
) -> None:
    """And stays as it is: `check` judges all of it."""
    flight = flight_of("encounter-2015", SECONDS)
    cut = undisturbed[1][: len(undisturbed[1]) // 2]
    path = tmp_path / "monitor.pcapng"
    path.write_bytes(cut)
    (entry,) = monitors_of(flight).values()
    with pytest.raises(TooLong) as caught:
        finish_recording(path, entry, flight, flight.end_ns, True, lambda finding: None, at_most_s=0)
    assert flight.start_ns <= caught.value.until_ns < flight.end_ns
    assert path.read_bytes() == cut
    tallies, _ = finish_recording(path, entry, flight, flight.end_ns, True, lambda finding: None, at_most_s=600)
    assert sum(t.counts[Outcome.PASS] for t in tallies) > sum(t.counts[Outcome.PASS] for t in caught.value.judgement[0])
