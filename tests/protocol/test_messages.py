"""What the messages compute about themselves."""

from hypothesis import given, strategies as st

from protocol.messages import (
    TIME_PERIOD_US,
    Frame,
    FrameKey,
    MessageType,
    PeerReport,
    Position,
    instant_ns,
    stamp,
)

HALF_PERIOD_NS = 512_000_000_000
INSTANTS_NS = st.integers(10**18, 3 * 10**18)


@given(at_ns=INSTANTS_NS, away_ns=st.integers(1 - HALF_PERIOD_NS + 1000, HALF_PERIOD_NS - 1000))
def test_a_stamp_means_its_instant_when_heard_within_half_a_period(at_ns: int, away_ns: int) -> None:
    assert 0 <= stamp(at_ns) < TIME_PERIOD_US
    assert instant_ns(stamp(at_ns), at_ns + away_ns) == at_ns // 1000 * 1000


def test_a_stamp_is_the_unix_time_modulo_1024_seconds() -> None:
    assert stamp((1024 * 5 + 517) * 10**9 + 250_000_999) == 517_250_000


def test_a_report_names_the_last_frame_and_the_32_before_it_across_the_wrap() -> None:
    report = PeerReport(0xAE1002, 2, 1, 1 << 0 | 1 << 2 | 1 << 31)
    heard = [number & 0xFFFF for number in range(-40, 10) if report.heard(number & 0xFFFF)]
    assert heard == [65505, 65534, 0, 1]


def test_a_frame_knows_its_name_and_type() -> None:
    frame = Frame(0xAE1001, 1, 17, 2, 0, 3, 0, Position())
    assert frame.key == FrameKey(0xAE1001, 1, 17)
    assert frame.type is MessageType.POSITION
