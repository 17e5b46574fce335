"""What receivers get: the received frames of a settlement, sorted by receiver, in arrays until somebody wants them."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radio.envelope import RECEPTION_HEAD, Reception
from radio.frames import CODE, Outcome, Settled, Transmission

_HEAD = np.dtype(
    [("due", ">i8"), ("arrival", ">i8"), ("number", ">u4"), ("channel", "u1"), ("power", ">i2"), ("length", "u1")]
)
"""A reception as it travels over a link, but for its bytes; held to `radio.envelope` by a test."""


class Box(NamedTuple):
    """One station's share of a delivery: rows from `begin` to `end`; its first has this number."""

    begin: int
    end: int
    number: int


NO_BOX = Box(0, 0, 0)


class Roll:
    """Who takes part, by rising address, and how much each has been delivered so far."""

    def __init__(self, delivered: Mapping[int, int]) -> None:
        self.places = {address: place for place, address in enumerate(sorted(delivered))}
        self.addresses = np.array(list(self.places), np.int64)
        self.delivered = np.array([delivered[address] for address in self.places], np.int64)

    def now(self, present: Set[int]) -> "Roll":
        """The roll of those who take part now: the same, as long as they are the same."""
        if self.places.keys() == present:
            return self
        return Roll({a: int(self.delivered[self.places[a]]) if a in self.places else 0 for a in present})

    def begin_anew(self, address: int) -> None:
        """Whoever takes part at this address next has been delivered nothing."""
        if address in self.places:
            self.delivered[self.places[address]] = 0

    def count(self, due: "Delivery") -> None:
        """What is due, of this roll, is delivered."""
        if len(due.place):
            self.delivered += due.counts()


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """Received frames: a row for each frame at each receiver, by receiver and then by the order in which they are due.

    `frames` are all that were settled, in the order in which they are due: each is due at one instant everywhere.
    `place` says whose a row is, by `places` (addresses, rising): the rows of the i-th end before `ends[i]`, and the
    first of them has the number `delivered[i]`.
    """

    frames: Sequence[Transmission]
    due_ns: NDArray[np.int64]
    frame: NDArray[np.intp]
    place: NDArray[np.int64]
    arrival_ns: NDArray[np.int64]
    power_tenths: NDArray[np.int32]
    places: Mapping[int, int]
    ends: NDArray[np.int64]
    delivered: NDArray[np.int64]

    def counts(self) -> NDArray[np.int64]:
        """How many rows each has."""
        return np.diff(self.ends, prepend=0)

    def box(self, address: int) -> Box:
        """A station's share."""
        place = self.places.get(address)
        if place is None:
            return NO_BOX
        begin = int(self.ends[place - 1]) if place else 0
        return Box(begin, int(self.ends[place]), int(self.delivered[place]))

    def received(self, address: int) -> "Received":
        """What a station receives."""
        return Received(self, self.box(address))

    def packed(self) -> dict[int, list[bytes]]:
        """The same for everybody, each as it travels over a link. All at once: most of it is done in arrays."""
        heads = np.empty(len(self.frame), _HEAD)
        heads["due"], heads["arrival"] = self.due_ns[self.frame], self.arrival_ns
        heads["power"] = self.power_tenths
        heads["channel"] = np.array([sent.channel for sent in self.frames], np.uint8)[self.frame]
        heads["length"] = np.array([len(sent.data) for sent in self.frames], np.uint8)[self.frame]
        begins = self.ends - self.counts()
        heads["number"] = np.arange(len(self.frame)) + (self.delivered - begins)[self.place] & 0xFFFFFFFF
        raw, size, data = heads.tobytes(), RECEPTION_HEAD.size, [sent.data for sent in self.frames]
        rows = [raw[i * size : (i + 1) * size] + data[frame] for i, frame in enumerate(self.frame.tolist())]
        spans = zip(self.places, begins.tolist(), self.ends.tolist(), strict=True)
        return {address: rows[begin:end] for address, begin, end in spans}

    def until(self, now_ns: int) -> tuple["Delivery", "Delivery"]:
        """What is due before an instant, and the rest."""
        cut = int(self.due_ns.searchsorted(now_ns))
        first = self._of(slice(0, cut), self.frame < cut, self.delivered)
        return first, self._of(slice(cut, None), self.frame >= cut, self.delivered + first.counts())

    def without(self, address: int) -> "Delivery":
        """The same, but a station that is gone gets nothing."""
        if address not in self.places:
            return self
        return self._of(slice(0, None), self.place != self.places[address], self.delivered)

    def _of(self, frames: slice, rows: NDArray[np.bool_], delivered: NDArray[np.int64]) -> "Delivery":
        place = self.place[rows]
        return Delivery(
            self.frames[frames],
            self.due_ns[frames],
            self.frame[rows] - frames.start,
            place,
            self.arrival_ns[rows],
            self.power_tenths[rows],
            self.places,
            np.bincount(place, minlength=len(self.places)).cumsum(),
            delivered,
        )


class Received(NamedTuple):
    """One station's share of a delivery, in order of `due_ns`."""

    delivery: Delivery
    box: Box

    def __len__(self) -> int:
        return self.box.end - self.box.begin

    def rows(self) -> slice:
        """Where it stands in the arrays of the delivery."""
        return slice(self.box.begin, self.box.end)

    def receptions(self) -> tuple[Reception, ...]:
        """The same, one by one."""
        rows, whole = self.rows(), self.delivery
        frames = [whole.frames[i] for i in whole.frame[rows].tolist()]
        columns = (
            whole.due_ns[whole.frame[rows]].tolist(),
            whole.arrival_ns[rows].tolist(),
            [number & 0xFFFFFFFF for number in range(self.box.number, self.box.number + len(frames))],
            [sent.channel for sent in frames],
            whole.power_tenths[rows].tolist(),
            [sent.data for sent in frames],
        )
        return tuple(map(Reception._make, zip(*columns, strict=True)))


def of_one(receptions: Sequence[Reception], address: int = 0) -> Received:
    """What came to one station over a link, as its share of a delivery."""
    n = len(receptions)
    delivery = Delivery(
        [Transmission(0, 0, 0, got.channel, 0, got.data) for got in receptions],
        np.array([got.due_ns for got in receptions], np.int64),
        np.arange(n),
        np.zeros(n, np.int64),
        np.array([got.arrival_ns for got in receptions], np.int64),
        np.array([got.power_tenths_dbm for got in receptions], np.int32),
        {address: 0},
        np.array([n]),
        np.array([receptions[0].number if n else 0]),
    )
    return delivery.received(address)


_NONE = np.zeros(0, np.int64)
EMPTY = Delivery((), _NONE, _NONE.astype(np.intp), _NONE, _NONE, _NONE.astype(np.int32), {}, _NONE, _NONE)


def deliver(settled: Settled, delivered: Roll | Mapping[int, int]) -> Delivery:
    """What is received of a settlement. `delivered` has the stations that take part, with how much each has had."""
    roll = delivered if isinstance(delivered, Roll) else Roll(delivered)
    rows = (settled.outcome == CODE[Outcome.RECEIVED]).nonzero()[0]
    if not len(rows) or not len(roll.addresses):
        return EMPTY
    receiver = settled.receiver[rows]
    place = roll.addresses.searchsorted(receiver)
    here = roll.addresses.take(place, mode="clip") == receiver
    if not here.all():
        rows, place = rows[here], place[here]
    # frames are already in the order in which they are due; few stations are sorted faster by short numbers
    turn = (place.astype(np.int16) if len(roll.addresses) < 1 << 15 else place).argsort(kind="stable")
    rows = rows[turn]
    frame = settled.frame[rows]
    return Delivery(
        settled.transmissions,
        settled.due_ns,
        frame,
        place[turn],
        settled.arrival_ns[rows],
        settled.power_tenths[rows],
        roll.places,
        np.bincount(place, minlength=len(roll.addresses)).cumsum(),
        roll.delivered.copy(),
    )
