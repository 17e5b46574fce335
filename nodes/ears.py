"""What a station has received and not yet heard: calls at their instants, and all the rest when it looks up next.

Nearly all of what an aircraft receives asks nothing of it. Such frames lie here, as they were delivered, until the
station does something: then it hears them together, which is many times faster and comes to the same.
"""

from bisect import bisect_right
from collections import deque
from functools import lru_cache
from typing import NamedTuple, cast

from nodes.stations.effects import Hearing
from protocol import codec
from protocol.errors import DecodeError
from protocol.messages import Frame, Ident, Intent, Position, Watch
from radio.delivery import Delivery, Received

PERIODIC = frozenset({Position, Ident, Intent, Watch})
"""Messages that ask nothing of anybody."""
EVERYBODY = -1
NOBODY: frozenset[int] = frozenset()


class Call(NamedTuple):
    """A frame that asks something of the station, at the instant at which it has it."""

    due_ns: int
    hearing: Hearing


class Overheard(NamedTuple):
    """Frames that ask nothing of the station, each with the instant at which it has it."""

    frames: list[Frame]
    due_ns: list[int]


class Ears:
    """One station's. `attentive`: it wants every frame at its instant, whatever it is."""

    def __init__(self, address: int, *, attentive: bool) -> None:
        self._address, self._attentive = address, attentive
        self._shares: list[Received] = []
        self._calls: deque[Call] = deque()

    def take(self, received: Received) -> None:
        """What it receives in a window; nothing in it is due before what it received earlier."""
        if not len(received):
            return
        asking = _meaning(received.delivery).asking(self._address, self._attentive)
        if asking:
            delivery = received.delivery
            rows = range(received.box.begin, received.box.end)
            numbers = delivery.frame[received.rows()].tolist()
            self._calls.extend(
                _call(delivery, row) for row, number in zip(rows, numbers, strict=True) if number in asking
            )
        if not self._attentive:
            self._shares.append(received)

    @property
    def next_call_ns(self) -> int | None:
        """When the next call is due."""
        return self._calls[0].due_ns if self._calls else None

    def call(self) -> Call:
        """The next call."""
        return self._calls.popleft()

    def overheard(self, until_ns: int) -> Overheard:
        """What else it has received up to an instant, and not yet heard."""
        heard, kept = Overheard([], []), []
        for share in self._shares:
            due_ns = share.delivery.due_ns[share.rows()].tolist()
            n = len(due_ns) if due_ns[-1] <= until_ns else bisect_right(due_ns, until_ns)
            if n < len(due_ns):
                kept.append(Received(share.delivery, share.box._replace(begin=share.box.begin + n)))
            numbers = share.delivery.frame[share.box.begin : share.box.begin + n].tolist()
            meaning = _meaning(share.delivery)
            if skipped := meaning.nonsense | meaning.asking(self._address, self._attentive):
                quiet = [
                    (number, at_ns) for number, at_ns in zip(numbers, due_ns, strict=False) if number not in skipped
                ]
                numbers, due_ns = [number for number, _ in quiet], [at_ns for _, at_ns in quiet]
            heard.frames.extend([meaning.frames[number] for number in numbers])
            heard.due_ns.extend(due_ns[:n])
        self._shares = kept
        return heard


class _Meaning(NamedTuple):
    """The frames of a delivery. `calls` has those that ask something, by whom they ask; `nonsense` is no frame."""

    frames: list[Frame]
    calls: dict[int, frozenset[int]]
    nonsense: frozenset[int]

    def asking(self, address: int, attentive: bool) -> frozenset[int]:
        """Those that ask something of a station."""
        if attentive:
            return frozenset(range(len(self.frames))) - self.nonsense
        return self.calls.get(address, NOBODY) | self.calls.get(EVERYBODY, NOBODY) if self.calls else NOBODY


@lru_cache(maxsize=64)
def _meaning(delivery: Delivery) -> _Meaning:
    """What the frames of a delivery mean. Many hear the same: it is decoded once."""
    frames = [_decoded(sent.data) for sent in delivery.frames]
    meant = [(i, frame) for i, frame in enumerate(frames) if frame is not None]
    calls: dict[int, set[int]] = {}
    for i, frame in meant:
        if type(frame.message) not in PERIODIC:
            calls.setdefault(getattr(frame.message, "addressee", EVERYBODY), set()).add(i)
    nonsense = frozenset(range(len(frames))) - {i for i, _ in meant}
    return _Meaning(cast("list[Frame]", frames), {a: frozenset(own) for a, own in calls.items()}, nonsense)


def _decoded(data: bytes) -> Frame | None:
    """The frame, or None for bytes that mean nothing to a receiver."""
    try:
        return codec.decode(data)
    except DecodeError:
        return None


def _call(delivery: Delivery, row: int) -> Call:
    number = int(delivery.frame[row])
    frame = _meaning(delivery).frames[number]
    power_dbm = int(delivery.power_tenths[row]) / 10
    hearing = Hearing(frame, delivery.frames[number].channel, int(delivery.arrival_ns[row]), power_dbm)
    return Call(int(delivery.due_ns[row]), hearing)
