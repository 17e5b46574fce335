"""What a station knows of its peers by what it has heard from them: in columns, with a row for each peer.

Only the account of what was heard is kept here, one frame at a time or many together, which comes to the same and is
many times faster. What a station makes of it is its own affair.
"""

from collections.abc import Callable, Iterable, Sequence
from math import cos, inf, nan, radians
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocol.messages import Frame, PeerReport, Position

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Places = NDArray[np.complex128]
"""Latitudes and longitudes in degrees, as real and imaginary parts (see `place_of`)."""

SESSION_SHIFT = 17
"""A frame's key is `session << 17 | sequence`: keys of two sessions are further apart than any two of one."""
AHEAD = 0x8000
"""A sequence number that is less than this ahead, modulo 65536, is a later one."""
BITS = 32
"""So many frames before the last are kept account of."""
NEVER = -1 << 62


class Around(NamedTuple):
    """What a ledger is asked of those around a place: within so many degrees of latitude, heard since an instant."""

    latitude_deg: float
    longitude_deg: float
    degrees: float
    since_ns: int


Near = tuple[NDArray[np.intp], NDArray[np.float64]]
"""Rows of those who are near, and how far away they are, in degrees of latitude."""
Said = tuple[float | None, float | None, float | None, int | None]
NOT_SAID: Said = (None, None, None, None)
SAID = 32
"""POSITIONs of one station that are remembered whole."""
_MASK = (1 << BITS) - 1
_BIT = np.array([0, *(1 << i for i in range(BITS)), 0])
"""The bit for a frame so far behind the last one; the last one itself and all that are too far behind have none."""
_BIT_AS_FLOAT = _BIT.astype(np.float64)  # exact, and so are sums of different ones


class Roster:
    """Numbers for stations, in the order in which they were first heard of. Who shares one can share columns."""

    def __init__(self, addresses: Iterable[int] = ()) -> None:
        self.addresses: list[int] = []
        self._numbers: dict[int, int] = {}
        self._said: dict[int, dict[complex, Said]] = {}
        for address in addresses:
            self.number(address)

    def __len__(self) -> int:
        return len(self.addresses)

    def note(self, number: int, place: complex, position: Position) -> None:
        """Remember what else a POSITION said that gave this place: a few look it up, of a few peers."""
        said = self._said.get(number)
        if said is None:
            said = self._said[number] = {}
        elif len(said) >= SAID:
            del said[next(iter(said))]
        said[place] = (
            position.velocity_north_mps,
            position.velocity_east_mps,
            position.velocity_up_mps,
            position.baro_altitude_ft,
        )

    def said(self, number: int, place: complex) -> Said:
        """Velocity north, east and up in m/s, and altitude in feet, as one that gave this place said them."""
        return self._said.get(number, {}).get(place, NOT_SAID)

    def number(self, address: int) -> int:
        """A station's number; a new one for who was never heard of."""
        number = self._numbers.get(address)
        if number is None:
            number = self._numbers[address] = len(self.addresses)
            self.addresses.append(address)
        return number


class Overheard(NamedTuple):
    """Frames that a station hears together, in columns, in the order in which it has them.

    `source` is the roster's number. `positions` says which of them are POSITIONs, and `places` has the place that each
    of these gives. `out_of_order` has sources of which somebody may have received a frame after a later one; the keys
    of all others rise.
    """

    source: NDArray[np.intp]
    key: Ints
    heard_ns: Ints
    positions: NDArray[np.intp]
    places: Places
    out_of_order: list[int]


def key_of(frame: Frame) -> int:
    """Session and sequence number in one."""
    return frame.session << SESSION_SHIFT | frame.sequence


UNSAID = complex(nan, nan)
"""The place of one that has not said where it is."""
NOT_ALOFT = complex(inf, inf)
"""The place of one that has said that it is on the ground, or that it does not know where it is."""


def place_of(position: Position) -> complex:
    """The place in the air that a POSITION gives."""
    latitude_deg, longitude_deg = position.latitude_deg, position.longitude_deg
    if latitude_deg is None or longitude_deg is None or not position.airborne:
        return NOT_ALOFT
    return complex(latitude_deg, longitude_deg)


class Ledger:
    """One station's. Rows are the roster's numbers; `opposed` says of an address whether it is the other party's."""

    _HEARD = ("last", "earlier", "heard_ns", "place", "life")
    """The columns that hearing changes."""

    def __init__(self, roster: Roster, opposed: Callable[[int], bool]) -> None:
        self._roster, self._is_opposed = roster, opposed
        self._rows = 0
        self._answered: tuple[Around, Near] | None = None
        """What it was asked before, if nothing has been heard since."""
        self._allocate(0)
        self._grow()

    def _allocate(self, rows: int) -> None:
        self.address = np.zeros(rows, np.int64)
        self.opposed = np.zeros(rows, np.bool_)
        self.last = np.full(rows, NEVER)
        """The key of the last frame."""
        self.earlier = np.zeros(rows, np.int64)
        """Which of the 32 before it were heard, as in PeerReport."""
        self.heard_ns = np.full(rows, NEVER)
        self.place = np.full(rows, UNSAID)
        """Where it said last that it is, in this session."""
        self.life = np.zeros(rows, np.int64)
        """How many sessions of it have begun."""

    def _grow(self) -> None:
        """Rows for all who are in the roster by now."""
        known, rows = self._rows, len(self._roster)
        old = (self.address, self.opposed, self.last, self.earlier, self.heard_ns, self.place, self.life)
        self._allocate(rows)
        new = (self.address, self.opposed, self.last, self.earlier, self.heard_ns, self.place, self.life)
        for column, before in zip(new, old, strict=True):
            column[:known] = before
        added = self._roster.addresses[known:rows]
        self.address[known:] = added
        self.opposed[known:] = [self._is_opposed(address) for address in added]
        self._rows = rows

    # ------------------------------------------------------------ hearing

    def hear(self, frame: Frame, now_ns: int) -> int:
        """Keep account of one frame; returns its source's row."""
        row = self._roster.number(frame.source)
        if row >= self._rows:
            self._grow()
        self._answered = None
        self._note(row, key_of(frame), now_ns)
        if isinstance(frame.message, Position):
            self.place[row] = place = place_of(frame.message)
            self._roster.note(row, place, frame.message)
        return row

    def _note(self, row: int, key: int, now_ns: int) -> None:
        last = int(self.last[row])
        if last >> SESSION_SHIFT != key >> SESSION_SHIFT:  # another session, or the first: all begins anew
            self.last[row], self.earlier[row] = key, 0
            self.place[row] = UNSAID
            self.life[row] += 1
        else:
            ahead = (key - last) & 0xFFFF
            if 0 < ahead < AHEAD:
                earlier = int(self.earlier[row])
                self.earlier[row] = (earlier << ahead | 1 << (ahead - 1)) & _MASK if ahead <= BITS else 0
                self.last[row] = key
        self.heard_ns[row] = now_ns

    def overhear(self, block: Overheard) -> None:
        """The same as to hear all of these, one after the other."""
        if len(self._roster) > self._rows:
            self._grow()
        self._answered = None
        source, key = block.source, block.key
        before = self.last
        last = before.copy()
        last[source] = key  # of several the last one stays
        steps = key - before.take(source)
        # one look for both: read as unsigned, what is not ahead is further ahead than anything
        if block.out_of_order or int((steps - 1).view(np.uint64).max(initial=0)) >= AHEAD - 1:
            self._overhear_oddly(block)
            return
        # each source's keys rise from the last one heard, within one session, and without going round
        ahead, behind = last - before, last.take(source) - key
        heard = np.bincount(source, _BIT_AS_FLOAT.take(behind, mode="clip"), self._rows).astype(np.int64)
        shifted = self.earlier << np.minimum(ahead, BITS)
        self.earlier = (shifted | _BIT.take(ahead, mode="clip")) & _MASK | heard
        self.last = last
        self.heard_ns[source] = block.heard_ns
        self.place[source.take(block.positions)] = block.places

    @classmethod
    def overhear_together(cls, ledgers: "Sequence[Ledger]", block: Overheard) -> None:
        """The same for several that share a roster, in about the time of one.

        Sources in the block are numbered on from ledger to ledger: the roster's number, and the length of the roster
        for each ledger before.
        """
        for ledger in ledgers:
            if len(ledger._roster) > ledger._rows:
                ledger._grow()
        whole, rows = cls.__new__(cls), ledgers[0]._rows
        whole._roster, whole._rows = ledgers[0]._roster, len(ledgers) * rows
        for name in cls._HEARD:
            setattr(whole, name, np.concatenate([getattr(ledger, name) for ledger in ledgers]))
        whole.overhear(block)
        for name in cls._HEARD:
            column = getattr(whole, name)
            for i, ledger in enumerate(ledgers):
                setattr(ledger, name, column[i * rows : (i + 1) * rows])
        for ledger in ledgers:
            ledger._answered = None

    def _overhear_oddly(self, block: Overheard) -> None:
        """The same, where sources begin a session, or must be heard frame by frame."""
        self._begin_sessions(block)
        source, key = block.source, block.key
        odd = np.zeros(self._rows, np.bool_)
        odd[block.out_of_order] = True
        steps = key - self.last.take(source)
        odd[source[(steps <= 0) | (steps >= AHEAD)]] = True
        rest = self._one_by_one(block, odd) if odd.any() else block
        if len(rest.source):
            self.overhear(rest)

    def _begin_sessions(self, block: Overheard) -> None:
        """Who is heard in one new session, in order, stands just before its first frame; all begins anew."""
        source, key = block.source, block.key
        is_new = key >> SESSION_SHIFT != self.last.take(source) >> SESSION_SHIFT
        if not is_new.any():
            return
        first = self.last.copy()
        first[source[::-1]] = key[::-1]  # of several the first one stays
        begins = np.zeros(self._rows, np.bool_)
        begins[source[is_new]] = True
        begins[source[key - first.take(source) >= AHEAD - BITS - 1]] = False  # two new sessions, or it went round
        begins[block.out_of_order] = False
        self.last[begins] = first[begins] - BITS - 1  # so far behind that the account is empty from then on
        self.place[begins] = UNSAID
        self.life[begins] += 1

    def _one_by_one(self, block: Overheard, odd: NDArray[np.bool_]) -> Overheard:
        """Hear the frames of odd sources singly; returns those of all others."""
        places = dict(zip(block.positions.tolist(), block.places, strict=True))
        is_odd = odd.take(block.source)
        for i in np.flatnonzero(is_odd).tolist():
            row = int(block.source[i])
            self._note(row, int(block.key[i]), int(block.heard_ns[i]))
            if i in places:
                self.place[row] = places[i]
        rest = np.flatnonzero(~is_odd)
        kept = ~is_odd.take(block.positions)
        positions = rest.searchsorted(block.positions[kept])
        return Overheard(
            block.source.take(rest),
            block.key.take(rest),
            block.heard_ns.take(rest),
            positions,
            block.places[kept],
            [],
        )

    # ------------------------------------------------------------ what is known

    def row(self, address: int) -> int:
        """A station's row, whether it was heard or not."""
        row = self._roster.number(address)
        if row >= self._rows:
            self._grow()
        return row

    def said(self, row: int) -> Said:
        """What else it said when it said last where it is (see `Roster.said`)."""
        return self._roster.said(row, complex(self.place[row]))

    def is_placed(self, row: int) -> bool:
        """Whether it has said in this session where it is, be it on the ground or that it does not know."""
        return not np.isnan(self.place[row])

    def report(self, address: int) -> PeerReport:
        """What was heard of a peer, for a WATCH."""
        row = self.row(address)
        last = int(self.last[row])
        return PeerReport(address, last >> SESSION_SHIFT, last & 0xFFFF, int(self.earlier[row]))

    def opposed_around(self, ask: Around) -> Near:
        """Those of the other party that are in the air, and were heard lately, around a place; on a spherical earth."""
        if self._answered is None or self._answered[0] != ask:
            self.opposed_around_together([self], [ask])
        assert self._answered is not None
        return self._answered[1]

    @staticmethod
    def opposed_around_together(ledgers: "Sequence[Ledger]", asks: Sequence[Around]) -> None:
        """The same for several that have as many rows: each has its answer then, until it hears something."""
        latitude_deg, longitude_deg, degrees = np.array([ask[:3] for ask in asks]).T
        place = np.array([ledger.place for ledger in ledgers])
        near = np.abs(place.real - latitude_deg[:, None]) <= degrees[:, None]
        near &= np.array([ledger.opposed for ledger in ledgers])
        who, rows = near.nonzero()
        there = place[who, rows]
        narrow = np.array([cos(radians(ask.latitude_deg)) for ask in asks])
        east_deg = ((there.imag - longitude_deg.take(who) + 180) % 360 - 180) * narrow.take(who)
        away_deg = np.hypot(there.real - latitude_deg.take(who), east_deg)
        is_near = away_deg <= degrees.take(who)
        heard_ns, since_ns = np.array([ledger.heard_ns for ledger in ledgers]), np.array([ask.since_ns for ask in asks])
        is_near &= heard_ns[who, rows] >= since_ns.take(who)
        who, rows, away_deg = who[is_near], rows[is_near], away_deg[is_near]
        ends = who.searchsorted(np.arange(len(ledgers)), side="right").tolist()
        for ledger, ask, begin, end in zip(ledgers, asks, [0, *ends], ends, strict=False):
            ledger._answered = ask, (rows[begin:end], away_deg[begin:end])
