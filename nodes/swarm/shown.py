"""What no observer could decide: the least that every proof of a fault rests on, and whether the monitor received it.

Not what our judge asks for, which is more: whoever has received less than this knows nothing of the breach. It is one
frame of the station itself, where nothing else stands here.
"""

import io
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import NamedTuple

from nodes.fault_table import TABLE, Whom
from nodes.flight import Flight
from nodes.scenario import FaultEntry
from protocol import codec, wire
from protocol.errors import DecodeError
from protocol.messages import (
    Ack,
    Emergency,
    Frame,
    Hail,
    Ident,
    Intent,
    LostLink,
    Message,
    MessageType,
    Position,
    Result,
    Sighting,
    Watch,
)
from radio.recording import Reader, Reception


class Least(NamedTuple):
    """So many frames that are like this, of those that `together` gives one key. Without `is_like` any bytes in its
    name count; without `is_its` anybody's."""

    number: int = 1
    is_like: Callable[[Frame, int], bool] | None = None
    together: Callable[[Frame], Hashable] = lambda frame: None
    is_its: bool = True

    def key(self, data: bytes, station: int) -> Hashable | None:
        """Of what was received, the key under which it counts; None if it does not."""
        if self.is_its and wire.source_of(data) != station:
            return None
        if self.is_like is None:
            return ()
        try:
            frame = codec.decode(data)
        except DecodeError:
            return None
        return (self.together(frame),) if self.is_like(frame, station) else None


def _is(*kinds: type[Message]) -> Callable[[Frame, int], bool]:
    return lambda frame, _: isinstance(frame.message, kinds)


def _has_heard(frame: Frame, _: int) -> bool:
    return isinstance(frame.message, Watch) and frame.message.report is not None


def _calls(frame: Frame, station: int) -> bool:
    return isinstance(frame.message, Hail) and frame.message.addressee == station


def _call_of(frame: Frame) -> Hashable:
    assert isinstance(frame.message, Hail)
    return frame.source, frame.session, frame.message.call_id


def _agrees(kind: MessageType) -> Callable[[Frame, int], bool]:
    def is_like(frame: Frame, _: int) -> bool:
        ack = frame.message
        return isinstance(ack, Ack) and ack.answers_type is kind and ack.result is Result.WILCO

    return is_like


def leasts(flight: Flight) -> dict[str, Least]:
    """By fault. A count of calls is the agreement's."""
    guards = frozenset(c.number for c in flight.agreement.channel if c.guard)
    answers = flight.agreement.clause.c6_3
    return {
        "anonymous": Least(2, _is(Position)),
        "broken_promise": Least(1, _is(Intent)),
        "deaf_on_guard": Least(1, _is(Ident, Watch)),
        "early_move": Least(1, _agrees(MessageType.FREQUENCY_CHANGE)),
        "guard_chatter": Least(1, lambda frame, _: isinstance(frame.message, Position) and frame.channel in guards),
        "ignored_mayday": Least(1, _has_heard),
        "ignores_hail": Least(answers.calls if answers else 1, _calls, _call_of, is_its=False),
        "lost_link_stray": Least(1, _is(LostLink)),
        "no_contact": Least(1, _has_heard),
        "plays_chicken": Least(1, _has_heard),
        "says_not_does": Least(1, _agrees(MessageType.HAIL)),
        "silent": Least(2),
        "stale_agreement": Least(1, _is(Ident)),
        "surprise_turn": Least(1, _is(Intent)),
        "talks_over": Least(1, _is(Sighting)),
        "teleport": Least(2, _is(Position)),
        "vague": Least(2, _is(Position)),
        "vague_mayday": Least(1, _is(Emergency)),
        "wrong_fallback": Least(1, _is(Hail)),
    }


def is_beyond(flight: Flight, fault: FaultEntry, recording: io.BytesIO) -> bool:
    """Whether nobody with this recording could have found the fault."""
    addresses = {s.call_sign: s.address for s in flight.stations}
    who = fault.target if TABLE[fault.name].whom is Whom.NOBODY and fault.target else fault.station
    station, least = addresses[who], leasts(flight).get(fault.name, Least())
    keys = (least.key(data, station) for data in _received(recording))
    return max(Counter(key for key in keys if key is not None).values(), default=0) < least.number


def _received(recording: io.BytesIO) -> Iterator[bytes]:
    recording.seek(0)
    return (item.frame for item in Reader(recording) if isinstance(item, Reception))
