"""What the manifests of the parties say about frames: the senders' own word (9.1). Memory is bounded."""

from collections import deque
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from protocol.line.documents import HASH_BYTES, Document, Manifest, hash_of
from protocol.units import NS_PER_S

KEPT_NS = 600 * NS_PER_S
"""How long a manifest is remembered after it came."""
MOST_NUMBERS = 50_000
"""How many frames of one station are remembered; before more, the oldest manifests are forgotten."""
MOST_MANIFESTS = 1000
"""And how many manifests of one station."""
SEQUENCES = 1 << 16
NEAR_NS = 60 * NS_PER_S
"""A sequence number is the one that a manifest of about that time has, and not that of a turn before."""
EARLY_NS = NS_PER_S // 20
"""A frame may have been sent so long before or after the instants between which it seems to have been."""


class Said(StrEnum):
    """What a party's manifests say about one frame."""

    HAS = "has"
    CONTRADICTS = "contradicts"
    """They cover its time, and have another frame there, or none."""
    NOT_COVERED = "not_covered"


class Answer(NamedTuple):
    """What is said, and the id of the manifest that says it; empty if none does."""

    said: Said
    document: str


class Contradiction(NamedTuple):
    """Two manifests of one party that cannot both be true of one number of a station's session."""

    party: str
    station: int
    session: int
    number: int
    earlier: str
    later: str


class _Kept(NamedTuple):
    """One manifest, packed."""

    session: int
    first: int
    hashes: bytes
    from_ns: int
    until_ns: int
    at_ns: int
    document: str

    @property
    def after(self) -> int:
        """The number after its last."""
        return self.first + len(self.hashes) // HASH_BYTES

    def hash(self, number: int) -> bytes:
        start = HASH_BYTES * (number - self.first)
        return self.hashes[start : start + HASH_BYTES]

    def number_of(self, sequence: int) -> int | None:
        """Which of its numbers has this sequence in the frame."""
        number = self.first + (sequence - self.first) % SEQUENCES
        return number if number < self.after else None

    def covers(self, at_ns: int) -> bool:
        """Whether it tells of all that was sent at an instant."""
        return self.from_ns <= at_ns < self.until_ns


class Manifests:
    """The manifests that came. `clients` gives each station's address the client whose word about it counts."""

    def __init__(self, clients: Mapping[int, str], kept_ns: int = KEPT_NS):
        self._clients, self._kept_ns = clients, kept_ns
        self._kept: dict[int, deque[_Kept]] = {address: deque() for address in clients}
        self._numbers: dict[int, int] = dict.fromkeys(clients, 0)

    def take(self, document: Document, at_ns: int) -> Contradiction | None:
        """A manifest that came at an instant, and the first earlier one that it contradicts.

        What a client says about a station that is not its own is nobody's word, and not kept.
        """
        body = document.body
        assert isinstance(body, Manifest)
        station = int(body.station, 16)
        if not self.is_word(document, body):
            return None
        hashes = bytes.fromhex("".join(body.hashes))
        new = _Kept(body.session, body.first, hashes, body.from_ns, body.until_ns, at_ns, document.id)
        self._forget(station, at_ns, room=len(body.hashes))
        found = next(self._contradicted(document.sender, station, new), None)
        self._kept[station].append(new)
        self._numbers[station] += len(body.hashes)
        return found

    def is_word(self, document: Document, body: Manifest) -> bool:
        """Whether a manifest is of its sender's own station: what a client says of others is nobody's word."""
        return self._clients.get(int(body.station, 16)) == document.sender

    def answer(self, station: int, session: int, sequence: int, frame: bytes, early_ns: int, late_ns: int) -> Answer:
        """What the station's party says about a frame that was heard, and sent between two instants.

        Where its manifests contradict each other, one that has the frame counts.
        """
        found, heard = Answer(Said.NOT_COVERED, ""), hash_of(frame)
        kept = self._kept.get(station, ())
        for one in kept:
            near = one.from_ns - NEAR_NS <= late_ns and early_ns <= one.until_ns + NEAR_NS
            if one.session == session and near and (number := one.number_of(sequence)) is not None:
                if one.hash(number) == heard:
                    return Answer(Said.HAS, one.document)
                if one.covers(early_ns) or one.covers(late_ns):
                    found = Answer(Said.CONTRADICTS, one.document)
        if found.said is Said.NOT_COVERED:
            spots = (early_ns - EARLY_NS, early_ns, late_ns, late_ns + EARLY_NS)
            telling = [next((one for one in kept if one.covers(at_ns)), None) for at_ns in spots]
            if all(telling) and telling[1]:
                return Answer(Said.CONTRADICTS, telling[1].document)
        return found

    def _contradicted(self, party: str, station: int, new: _Kept) -> Iterator[Contradiction]:
        for old in self._kept.get(station, ()):
            if old.session == new.session and (number := _differ(old, new)) is not None:
                yield Contradiction(party, station, new.session, number, old.document, new.document)

    def _forget(self, station: int, at_ns: int, room: int) -> None:
        """What is old, and what leaves no room for so many numbers more."""
        kept = self._kept[station]
        while kept and (
            kept[0].at_ns < at_ns - self._kept_ns
            or self._numbers[station] + room > MOST_NUMBERS
            or len(kept) >= MOST_MANIFESTS
        ):
            self._numbers[station] -= len(kept.popleft().hashes) // HASH_BYTES


def _differ(one: _Kept, other: _Kept) -> int | None:
    """The first number that both cover, and with different frames; or that one of two for the same time lacks."""
    both = range(max(one.first, other.first), min(one.after, other.after))
    if (found := next((n for n in both if one.hash(n) != other.hash(n)), None)) is not None:
        return found
    if (one.from_ns, one.until_ns) != (other.from_ns, other.until_ns):
        return None
    if one.first != other.first:
        return min(one.first, other.first)
    return None if one.after == other.after else min(one.after, other.after)
