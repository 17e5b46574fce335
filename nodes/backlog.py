"""What was delivered to the stations of one process and may not all have been heard yet: one log for all of them.

Each frame stands here once, in columns, however many have received it; who has is a table of stations by frames. So
nobody needs to be touched when something is delivered, and a station that looks up hears with a few steps over arrays.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from weakref import WeakSet

import numpy as np

from nodes.decoding import decoded
from nodes.stations.ledger import NEVER, UNSAID, Overheard, Roster, key_of, place_of
from protocol.messages import Frame, Ident, Intent, Position, Watch
from radio.delivery import Delivery

PERIODIC = frozenset({Position, Ident, Intent, Watch})
"""Messages that ask nothing of anybody."""
EVERYBODY = -1
NOBODY: frozenset[int] = frozenset()
ROOM = 1024
"""For so many frames at first."""


class Meaning(NamedTuple):
    """The frames of a delivery; None: bytes that mean nothing. `calls` has those that ask something, by addressee."""

    frames: list[Frame | None]
    calls: dict[int, frozenset[int]]

    def asking(self, address: int, attentive: bool) -> frozenset[int]:
        """Those that ask something of a station; of one that is attentive all do."""
        if attentive:
            return frozenset(i for i, frame in enumerate(self.frames) if frame is not None)
        return self.calls.get(address, NOBODY) | self.calls.get(EVERYBODY, NOBODY) if self.calls else NOBODY


def meaning_of(delivery: Delivery) -> Meaning:
    """What the frames of a delivery mean to a receiver."""
    frames = [decoded(sent.data) for sent in delivery.frames]
    calls: dict[int, set[int]] = {}
    for i, frame in enumerate(frames):
        if frame is not None and type(frame.message) not in PERIODIC:
            addressee = getattr(frame.message, "addressee", None)
            calls.setdefault(EVERYBODY if addressee is None else addressee, set()).add(i)
    return Meaning(frames, {address: frozenset(own) for address, own in calls.items()})


class Reader:
    """How far one station has heard what it received; what was delivered before it began is not for it."""

    def __init__(self, backlog: "Backlog", row: int, begins: int) -> None:
        self._backlog, self._row = backlog, row
        self.next = begins
        """The first frame that it has not yet heard, counted from the beginning of the log."""

    @property
    def behind(self) -> int:
        """How many frames have been delivered to anybody since."""
        return self._backlog.count - self.next

    @property
    def row(self) -> int:
        """Its station's row in the log."""
        return self._row

    def until(self, now_ns: int) -> Overheard | None:
        """What it has received up to an instant and not yet heard, but for calls to it."""
        begin = self.next
        self.next, heard = self._backlog.between(begin, now_ns, self._row)
        return heard


class Backlog:
    """The log. `take` each delivery; a `reader` for each station that overhears."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self._last_key: dict[int, int] = {}
        self._rows: dict[int, int] = {}
        self._readers: WeakSet[Reader] = WeakSet()  # who is gone holds nothing back
        self._places: Mapping[int, int] = {}
        self._row_of_place = np.zeros(0, np.intp)
        self._dropped = self._count = 0
        self._allocate(1, ROOM)

    def _allocate(self, rows: int, room: int) -> None:
        self._source = np.zeros(room, np.intp)
        self._key = np.zeros(room, np.int64)
        self._due_ns = np.zeros(room, np.int64)
        self._is_position = np.zeros(room, np.bool_)
        self._place = np.full(room, UNSAID)
        self._out_of_order = np.zeros(room, np.bool_)
        self._heard = np.zeros((rows, room), np.bool_)
        """Who overhears what, by row; row 0 is for all who have no reader."""

    def reader(self, address: int) -> Reader:
        """For a station, from now on."""
        row = self._rows.setdefault(address, len(self._rows) + 1)
        if row >= len(self._heard):
            wider = np.zeros((2 * row, self._heard.shape[1]), np.bool_)
            wider[: len(self._heard)] = self._heard
            self._heard = wider
        self._places = {}  # it has a row now
        reader = Reader(self, row, self.count)
        self._readers.add(reader)
        return reader

    @property
    def count(self) -> int:
        """How many frames have been delivered so far."""
        return self._dropped + self._count

    # ------------------------------------------------------------ writing

    def take(self, delivery: Delivery) -> Meaning:
        """Put a delivery into the log; nothing in it is due before what was delivered earlier."""
        meaning = meaning_of(delivery)
        n = len(meaning.frames)
        if not n:
            return meaning
        if self._count + n > len(self._key):
            self._make_room(n)
        begin, end = self._count, self._count + n
        self._out_of_order[begin:end] = False
        for i, frame in enumerate(meaning.frames, begin):
            if frame is not None:
                self._put(i, frame)
        self._due_ns[begin:end] = delivery.due_ns
        self._hear(delivery, begin, meaning)
        self._count = end
        return meaning

    def _put(self, i: int, frame: Frame) -> None:
        source, key = self.roster.number(frame.source), key_of(frame)
        self._source[i], self._key[i] = source, key
        self._out_of_order[i] = key <= self._last_key.get(source, NEVER)
        self._last_key[source] = key
        self._is_position[i] = isinstance(frame.message, Position)
        if isinstance(frame.message, Position):
            self._place[i] = place = place_of(frame.message)
            self.roster.note(source, place, frame.message)
        else:
            self._place[i] = UNSAID

    def _hear(self, delivery: Delivery, begin: int, meaning: Meaning) -> None:
        """Note who overhears what."""
        if delivery.places is not self._places:
            self._places = delivery.places
            self._row_of_place = np.array([self._rows.get(address, 0) for address in delivery.places], np.intp)
        heard = self._heard[:, begin : begin + len(meaning.frames)]
        heard[:] = False
        heard[self._row_of_place.take(delivery.place), delivery.frame] = True
        for i, frame in enumerate(meaning.frames):
            if frame is None:
                heard[:, i] = False
        for address, calls in meaning.calls.items():
            row = slice(None) if address == EVERYBODY else self._rows.get(address, 0)
            heard[row, list(calls)] = False

    def _make_room(self, n: int) -> None:
        """Drop what everybody has heard; if that is little, take more room."""
        read = min((reader.next for reader in self._readers), default=self.count) - self._dropped
        kept = slice(read, self._count)
        left = self._count - read
        names = ("_source", "_key", "_due_ns", "_is_position", "_place", "_out_of_order")
        columns = {name: getattr(self, name)[kept] for name in names}
        heard, room = self._heard[:, kept], len(self._key)
        while 2 * (left + n) > room:
            room *= 2
        self._allocate(len(heard), room)
        for name, column in columns.items():
            getattr(self, name)[:left] = column
        self._heard[:, :left] = heard
        self._dropped, self._count = self._dropped + read, left

    # ------------------------------------------------------------ reading

    def until(self, looks: Sequence[tuple[Reader, int, int]]) -> Overheard:
        """What several stations have received and not yet heard, each up to an instant: as `Reader.until`, and sources
        numbered on as in `Ledger.overhear_together`. Each look has a reader, the instant, and by how much the station's
        own clock is ahead.
        """
        readers = [reader for reader, _, _ in looks]
        begins = np.array([reader.next for reader in readers]) - self._dropped
        now_ns, ahead_ns = np.array([[now, ahead] for _, now, ahead in looks]).T
        first, end = int(begins.min()), self._count
        due_ns = self._due_ns[first:end]
        ends = first + due_ns.searchsorted(now_ns, side="right")
        for reader, begin, stop in zip(readers, begins.tolist(), ends.tolist(), strict=True):
            reader.next = max(begin, stop) + self._dropped
        numbers = np.arange(first, end)
        heard = self._heard[[reader.row for reader in readers], first:end]
        heard &= (numbers >= begins[:, None]) & (numbers < ends[:, None])
        station, frames = heard.nonzero()
        frames += first
        positions = self._is_position.take(frames).nonzero()[0]
        width = len(self.roster)
        odd = self._source[first:end][self._out_of_order[first:end]]
        return Overheard(
            self._source.take(frames) + station * width,
            self._key.take(frames),
            self._due_ns.take(frames) + ahead_ns.take(station),
            positions,
            self._place.take(frames.take(positions)),
            [i * width + source for source in odd.tolist() for i in range(len(looks))],
        )

    def between(self, begin: int, now_ns: int, row: int) -> tuple[int, Overheard | None]:
        """What a station overheard from a frame on and up to an instant; and the frame after."""
        first, end = begin - self._dropped, self._count
        if first == end:
            return begin, None
        if self._due_ns[end - 1] > now_ns:
            end = first + int(self._due_ns[first:end].searchsorted(now_ns, side="right"))
        frames = self._heard[row, first:end].nonzero()[0]
        if not len(frames):
            return end + self._dropped, None
        frames += first
        positions = self._is_position.take(frames).nonzero()[0]
        out_of_order = self._out_of_order[first:end]
        return end + self._dropped, Overheard(
            self._source.take(frames),
            self._key.take(frames),
            self._due_ns.take(frames),
            positions,
            self._place.take(frames.take(positions)),
            self._source[first:end][out_of_order].tolist() if np.count_nonzero(out_of_order) else [],
        )
