"""A monitor's clock is a little wrong: what it records is in order by it, trouble before the frames it explains."""

from io import BytesIO

import pytest

from nodes.flight import load
from nodes.monitor import Monitor, header_of
from nodes.shipped import scenario
from radio.envelope import Reception, Trouble
from radio.recording import HostTrouble, Reader, Writer


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
