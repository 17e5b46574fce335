"""How much faster the fast codec is than Construct at the same job, bytes to Frame and back, all checks; and how much
faster than that many frames are read at once, into columns. Run by hand:

python -m benchmarks.codec
"""

from collections.abc import Callable
from statistics import median
from time import process_time_ns
from typing import Any

from protocol import codec, wire
from protocol.columns import decode_columns
from protocol.messages import (
    Ack,
    EmergencyState,
    Emitter,
    Frame,
    FrameKey,
    Hail,
    Ident,
    Intent,
    IntentKind,
    Message,
    MessageType,
    PeerReport,
    Phrase,
    Position,
    Result,
    TrajectoryPoint,
    Watch,
)

REPEATS = 15
FRAMES = 400
"""In one measurement of Construct; of the fast codec twenty times as many."""
MIX = {Position: 20, Watch: 10, Intent: 2, Ident: 1}
"""What a station sends in 20 s: a POSITION a second, a WATCH every 2 s, an INTENT every 10 s, an IDENT every 20 s."""

MESSAGES: tuple[Message, ...] = (
    Position(
        latitude_deg=35.1234567,
        longitude_deg=36.5,
        baro_altitude_ft=29_500,
        velocity_north_mps=102.5,
        velocity_east_mps=-200.1,
        velocity_up_mps=-0.5,
        heading_deg=297.12,
        nic=8,
        nacp=9,
        nacv=2,
        gva=2,
        sil=3,
        emergency=EmergencyState.NONE,
        age_s=0.12,
        idents=5,
        hails=2,
        acks=1,
        receipt=FrameKey(0x43C001, 3, 700),
    ),
    Intent(
        serial=3,
        kind=IntentKind.CLIMB,
        validity_s=90,
        selected_altitude_ft=31_000,
        track_deg=271.5,
        speed_mps=205.8,
        first=TrajectoryPoint(35.2, 36.0, 30_500, 45),
        second=TrajectoryPoint(35.3, 36.0, 31_000, 90),
    ),
    Ident("EAGLE 1", Emitter.HIGH_PERFORMANCE, 0x5F0C91E2, frozenset({0, 2, 9})),
    Hail(0x43C001, Phrase.KEEP_CLEAR, 12, 30, 1, 0xAE1002),
    Ack(0x43C001, 3, 701, MessageType.HAIL, Result.UNABLE),
    Watch(frozenset({0, 2}), 12, 3, 4, PeerReport(0xAE1002, 2, 900, 0x8000000B)),
)


def per_call_us(function: Callable[[Any], object], arguments: list[Any]) -> float:
    """Processor time of one call, in microseconds."""
    begin = process_time_ns()
    for argument in arguments:
        function(argument)
    return (process_time_ns() - begin) / len(arguments) / 1000


def compare(name: str, frames: list[Frame]) -> None:
    """Measure both codecs in turn, so that what else the machine does falls on both; print times and ratios."""
    data = [wire.build(frame) for frame in frames]
    assert [codec.encode(frame) for frame in frames] == data
    assert [codec.decode(one) for one in data] == [wire.parse(one) for one in data] == frames
    for job, slow, fast, given in (
        ("parse", wire.parse, codec.decode, data),
        ("build", wire.build, codec.encode, frames),
    ):
        pairs = [(per_call_us(slow, given), per_call_us(fast, given * 20)) for _ in range(REPEATS)]
        ratios = [one / other for one, other in pairs]
        slow_us, fast_us = (min(times) for times in zip(*pairs, strict=True))
        print(
            f"{name:9} {job}: Construct {slow_us:6.1f} us, fast {fast_us:5.2f} us a frame; "
            f"ratio least {min(ratios):5.1f}, median {median(ratios):5.1f}, of least times {slow_us / fast_us:5.1f}"
        )


def compare_columns(name: str, frames: list[Frame]) -> None:
    """Measure reading frames one by one and all at once, in turn; print frames per second and ratios."""
    data = [codec.encode(frame) for frame in frames]
    assert decode_columns(data).accepted.all()
    pairs = [(per_call_us(codec.decode, data), per_call_us(decode_columns, [data]) / len(data)) for _ in range(REPEATS)]
    ratios = [one / other for one, other in pairs]
    one_us, all_us = (min(times) for times in zip(*pairs, strict=True))
    print(
        f"{name:9} columns of {len(data)} frames: {1e6 / all_us:,.0f} frames a second, one by one {1e6 / one_us:,.0f}; "
        f"ratio least {min(ratios):5.1f}, median {median(ratios):5.1f}, of least times {one_us / all_us:5.1f}"
    )


def frame(message: Message) -> Frame:
    return Frame(0xAE1001, 7, 1234, 2, 3, 2, 517_250_000, message)


if __name__ == "__main__":
    for message in MESSAGES:
        compare(type(message).__name__, [frame(message)] * FRAMES)
    one_period = [frame(message) for message in MESSAGES for _ in range(MIX.get(type(message), 0))]
    compare("mix", one_period * (FRAMES // len(one_period)))
    compare_columns("mix", one_period * (FRAMES // len(one_period)) * 20)
