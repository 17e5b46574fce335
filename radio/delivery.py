"""What receivers get: the received frames of a settlement, sorted by receiver, in arrays until somebody wants them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """Received frames, by receiver and then by the order in which they are due. `boxes` say whose is what."""

    frames: Sequence[Transmission]
    frame: NDArray[np.intp]
    due_ns: NDArray[np.int64]
    arrival_ns: NDArray[np.int64]
    power_tenths: NDArray[np.int32]
    boxes: dict[int, Box]

    def received(self, address: int) -> "Received":
        """What a station receives."""
        return Received(self, self.boxes.get(address, NO_BOX))

    def packed(self) -> dict[int, list[bytes]]:
        """The same for everybody, each as it travels over a link. All at once: most of it is done in arrays."""
        heads = np.empty(len(self.frame), _HEAD)
        heads["due"], heads["arrival"], heads["power"] = self.due_ns, self.arrival_ns, self.power_tenths
        heads["channel"] = np.array([sent.channel for sent in self.frames], np.uint8)[self.frame]
        heads["length"] = np.array([len(sent.data) for sent in self.frames], np.uint8)[self.frame]
        for begin, end, number in self.boxes.values():
            heads["number"][begin:end] = np.arange(number, number + end - begin) & 0xFFFFFFFF
        raw, size, data = heads.tobytes(), RECEPTION_HEAD.size, [sent.data for sent in self.frames]
        rows = [raw[i * size : (i + 1) * size] + data[frame] for i, frame in enumerate(self.frame.tolist())]
        return {address: rows[box.begin : box.end] for address, box in self.boxes.items()}

    def until(self, now_ns: int) -> tuple["Delivery", "Delivery"]:
        """What is due before an instant, and the rest."""
        boxes: tuple[dict[int, Box], dict[int, Box]] = {}, {}
        for address, box in self.boxes.items():
            cut = box.begin + int(np.searchsorted(self.due_ns[box.begin : box.end], now_ns))
            if cut > box.begin:
                boxes[0][address] = Box(box.begin, cut, box.number)
            if cut < box.end:
                boxes[1][address] = Box(cut, box.end, box.number + cut - box.begin)
        return self._with(boxes[0]), self._with(boxes[1])

    def without(self, address: int) -> "Delivery":
        """The same, but a station that is gone gets nothing."""
        if address not in self.boxes:
            return self
        return self._with({a: box for a, box in self.boxes.items() if a != address})

    def _with(self, boxes: dict[int, Box]) -> "Delivery":
        return Delivery(self.frames, self.frame, self.due_ns, self.arrival_ns, self.power_tenths, boxes)


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
            whole.due_ns[rows].tolist(),
            whole.arrival_ns[rows].tolist(),
            [number & 0xFFFFFFFF for number in range(self.box.number, self.box.number + len(frames))],
            [sent.channel for sent in frames],
            whole.power_tenths[rows].tolist(),
            [sent.data for sent in frames],
        )
        return tuple(map(Reception._make, zip(*columns, strict=True)))


def of_one(receptions: Sequence[Reception]) -> Received:
    """What came to one station over a link, as its share of a delivery."""
    n = len(receptions)
    delivery = Delivery(
        [Transmission(0, 0, 0, got.channel, 0, got.data) for got in receptions],
        np.arange(n),
        np.array([got.due_ns for got in receptions], np.int64),
        np.array([got.arrival_ns for got in receptions], np.int64),
        np.array([got.power_tenths_dbm for got in receptions], np.int32),
        {},
    )
    return Received(delivery, Box(0, n, receptions[0].number if n else 0))


_NONE = np.zeros(0, np.int64)
EMPTY = Delivery((), _NONE.astype(np.intp), _NONE, _NONE, _NONE.astype(np.int32), {})


def deliver(settled: Settled, delivered: Mapping[int, int]) -> Delivery:
    """What is received of a settlement. `delivered` has the stations that take part, with how much each has had."""
    rows = np.flatnonzero(settled.outcome == CODE[Outcome.RECEIVED])
    if not len(rows):
        return EMPTY
    receiver = settled.receiver[rows]
    turn = np.argsort(receiver, kind="stable")  # frames are already in the order in which they are due
    rows, receiver = rows[turn], receiver[turn]
    frame = settled.frame[rows]
    begins = np.flatnonzero(np.concatenate(([True], receiver[1:] != receiver[:-1])))
    boxes = {}
    for address, begin, end in _spans(receiver, begins):
        if address in delivered:
            boxes[address] = Box(begin, end, delivered[address])
    return Delivery(
        settled.transmissions,
        frame,
        settled.due_ns[frame],
        settled.arrival_ns[rows],
        settled.power_tenths[rows],
        boxes,
    )


def _spans(receiver: NDArray[Any], begins: NDArray[np.intp]) -> Iterator[tuple[int, int, int]]:
    ends = [*begins[1:].tolist(), len(receiver)]
    return zip(receiver[begins].tolist(), begins.tolist(), ends, strict=True)
