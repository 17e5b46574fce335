"""A frame that carrier sense has held back is not stale for that; one that is older than it can hold back is."""

import pytest

from protocol.accounts import Standing
from protocol.agreement import Channel
from protocol.books import Books
from protocol.heard import Heard
from protocol.messages import Frame, Watch, stamp

NOW_NS = 1_445_418_100_000_000_000
MS = 1_000_000
POLITE = Channel(
    number=1,
    name="polite",
    frequency_mhz=127.5,
    bandwidth_khz=25,
    bit_rate_bps=31_500,
    access="csma",
    backoff_ms=5,
    backoff_slots=4,
    attempts=6,
)


def standing(held_ms: float, channel: int) -> Standing:
    books = Books(100.0, {1: POLITE.longest_hold_ns})
    watch = Watch(frozenset({1}), 0, 0, 0, None)
    frame = Frame(0xAE1001, 7, 0, channel, 0, 3, stamp(NOW_NS - round(held_ms * MS)), watch)
    return books.book(Heard("m#0", NOW_NS, channel, frame, b"", MS)).standing


def test_it_holds_back_so_long_at_most() -> None:
    assert POLITE.longest_hold_ns == 5 * 4 * 5 * MS, "after the sixth attempt the frame is given up"
    assert (
        Channel(
            **POLITE.model_dump(include={"number", "name", "frequency_mhz", "bandwidth_khz", "bit_rate_bps"}),
            access="aloha",
        ).longest_hold_ns
        == 0
    )


@pytest.mark.parametrize(
    ("held_ms", "channel", "expected"),
    [
        (0.0, 1, Standing.FIRST),
        (99.0, 1, Standing.FIRST),
        (104.0, 1, Standing.STALE),  # 100 ms, 1 ms of each clock, and 0.6 ms over 100 NM
        (-4.0, 1, Standing.STALE),
        (0.0, 2, Standing.FIRST),
        (50.0, 2, Standing.STALE),
    ],
)
def test_what_is_fresh(held_ms: float, channel: int, expected: Standing) -> None:
    assert standing(held_ms, channel) is expected
