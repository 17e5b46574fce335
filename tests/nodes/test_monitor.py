"""A monitor's clock is a little wrong: what it records is in order by it, trouble before the frames it explains, and an
outage of its receiver where it begins."""

from io import BytesIO
from pathlib import Path

import pytest

from nodes.flight import Flight, load
from nodes.monitor import Monitor, header_of
from nodes.seat import random_of
from nodes.shipped import CONFIGS, scenario
from protocol.units import NS_PER_S
from radio.envelope import OffAir, Place, Reception, Trouble
from radio.hub import WINDOW_NS
from radio.recording import HearingGap, HostTrouble, Reader, Record, Writer, time_ns


@pytest.mark.parametrize("seed", range(8))
def test_trouble_stands_before_a_frame_of_the_same_instant(seed: int) -> None:
    """Whatever its clock: a judge takes no fail back."""
    flight = load(scenario("quiet"))
    entry = next(s for s in flight.stations if s.role == "monitor")
    stream = BytesIO()
    monitor = Monitor(entry, flight, seed, Writer(stream, header_of(entry, flight)), None)
    at_ns = flight.start_ns + 1_000_000_000
    trouble = Trouble(at_ns, 0x155001, at_ns - 700_000_000, None)
    monitor.take(at_ns, [Reception(at_ns + 10, at_ns, 0, 1, -700, b"frame")], [trouble])
    monitor.close(at_ns + 1_000_000_000)
    records = list(Reader(BytesIO(stream.getvalue())))
    assert [isinstance(record, HostTrouble) for record in records] == [True, False]


def deaf_flight(tmp_path: Path, *switches: tuple[float, bool]) -> Flight:
    """A quiet morning of 60 s whose monitor is switched off and on."""
    text = scenario("quiet").read_text(encoding="utf-8").replace("../", f"{CONFIGS}/")
    told = (f'[[event]]\nat_s = {at_s}\nstation = "MON 1"\non_air = {str(on).lower()}\n' for at_s, on in switches)
    path = tmp_path / "deaf.toml"
    path.write_text("\n".join((text, *told)), encoding="utf-8")
    return load(path)


def monitor_of(flight: Flight, stream: BytesIO, seed: int = 1) -> tuple[Monitor, int]:
    """A monitor that goes on with what a stream holds, and how wrong its clock is."""
    entry = next(s for s in flight.stations if s.role == "monitor")
    header = header_of(entry, flight)
    writer = Writer.resume(stream, header, lambda _: None) if stream.getvalue() else Writer(stream, header)
    return Monitor(entry, flight, seed, writer, None), round(random_of(seed, entry.address).uniform(-1, 1) * 300_000)


def records(stream: BytesIO) -> list[Record]:
    reader = Reader(BytesIO(stream.getvalue()))
    found = list(reader)
    assert not [item for item in found if not isinstance(item, Record)]
    assert reader.closed
    assert [time_ns(r) for r in found] == sorted(time_ns(r) for r in found)
    return found


def gaps(flight: Flight, stream: BytesIO, clock_ns: int) -> list[tuple[float, float]]:
    found = [r for r in records(stream) if isinstance(r, HearingGap)]
    return [tuple((t - clock_ns - flight.start_ns) / NS_PER_S for t in (g.from_ns, g.until_ns)) for g in found]


def test_an_outage_stands_before_all_that_is_heard_after_it(tmp_path: Path) -> None:
    flight = deaf_flight(tmp_path, (10, False), (20.03, True))
    stream = BytesIO()
    monitor, clock_ns = monitor_of(flight, stream)
    start_ns = flight.start_ns
    heard = [start_ns + round(at_s * NS_PER_S) for at_s in (5.0, 9.99, 20.031, 21.0)]
    for at_ns in range(start_ns, start_ns + 30 * NS_PER_S, WINDOW_NS):
        due = [t for t in heard if at_ns <= t < at_ns + WINDOW_NS]
        trouble = [Trouble(at_ns, 0x155001, at_ns, None)] if at_ns == start_ns + 15 * NS_PER_S else []
        monitor.take(at_ns, [Reception(t, t, 0, 1, -700, b"frame") for t in due], trouble)
    monitor.close(start_ns + 30 * NS_PER_S)
    kinds = [type(r).__name__ for r in records(stream)]
    assert kinds == ["Reception", "Reception", "HearingGap", "HostTrouble", "Reception", "Reception"]
    assert gaps(flight, stream, clock_ns) == [(10, 20.03)]


def test_an_outage_that_is_not_over_counts_to_the_end(tmp_path: Path) -> None:
    flight = deaf_flight(tmp_path, (59.99, False))
    stream = BytesIO()
    monitor, clock_ns = monitor_of(flight, stream)
    monitor.take(flight.end_ns - WINDOW_NS, (), ())
    monitor.close(flight.end_ns)
    assert gaps(flight, stream, clock_ns) == [(59.99, 60)]


def test_the_hub_is_told_of_every_switch_before_its_window_is_settled(tmp_path: Path) -> None:
    flight = deaf_flight(tmp_path, (0, False), (1, True), (1.01, False), (2.5, True))
    monitor, _ = monitor_of(flight, BytesIO())
    told = monitor.begin(flight.start_ns)
    assert not told, "its receiver is off when the flight begins"
    for now_ns in range(flight.start_ns, flight.start_ns + 3 * NS_PER_S, WINDOW_NS):
        new = monitor.switches(now_ns)
        assert all(said.at_ns >= now_ns + WINDOW_NS for said in new)
        told += new
    at_s = [(type(said), (said.at_ns - flight.start_ns) / NS_PER_S) for said in told]
    assert at_s == [(Place, 1), (OffAir, 1.01), (Place, 2.5)]


@pytest.mark.parametrize(("now_s", "expected"), [(5, [Place]), (10, []), (15, []), (19.95, [Place]), (20, [Place])])
def test_who_begins_again_is_there_if_its_receiver_is_on(tmp_path: Path, now_s: float, expected: list[type]) -> None:
    flight = deaf_flight(tmp_path, (10, False), (20, True))
    monitor, _ = monitor_of(flight, BytesIO())
    assert [type(said) for said in monitor.begin(flight.start_ns + round(now_s * NS_PER_S))] == expected


@pytest.mark.parametrize(
    ("killed_s", "back_s", "expected"),
    [
        (5, 8, [(5, 8), (10, 20)]),
        (15, 17, [(10, 20), (15, 17)]),
        (15, 25, [(10, 20), (15, 25)]),
        (5, 25, [(5, 25), (10, 20)]),
        (25, 28, [(10, 20), (25, 28)]),
    ],
)
def test_a_monitor_that_was_killed_knows_of_its_outage(
    tmp_path: Path, killed_s: float, back_s: float, expected: list[tuple[float, float]]
) -> None:
    """Whether it was killed before, in or after it, and whenever it is back: it is recorded once, and all of it."""
    flight, stream = deaf_flight(tmp_path, (10, False), (20, True)), BytesIO()
    start_ns = flight.start_ns
    killed_ns, back_ns, end_ns = (start_ns + round(s * NS_PER_S) for s in (killed_s, back_s, 40))
    monitor, clock_ns = monitor_of(flight, stream)
    for at_ns in range(start_ns, killed_ns, WINDOW_NS):
        monitor.take(at_ns, (), ())
    stream.seek(0)
    monitor, _ = monitor_of(flight, stream)
    monitor.deaf(killed_ns, back_ns)
    for at_ns in range(back_ns, end_ns, WINDOW_NS):
        monitor.take(at_ns, (), ())
    monitor.close(end_ns)
    assert gaps(flight, stream, clock_ns) == [pytest.approx(gap, abs=0.001) for gap in expected]
