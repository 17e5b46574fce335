"""What the manifests of the parties say about frames: the senders' own word (9.1). Memory is bounded."""

from collections import deque
from collections.abc import Container, Iterator, Mapping
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


class Said(StrEnum):
    """What a party's manifests say about one frame."""

    HAS = "has"
    CONTRADICTS = "contradicts"
    """They cover its number, and with another frame."""
    NOT_COVERED = "not_covered"


class Answer(NamedTuple):
    """What is said, and the id of the manifest that says it; empty if none does."""

    said: Said
    document: str


class Contradiction(NamedTuple):
    """Two manifests of one party that give one number of a station's session to different frames."""

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
    frames: tuple[bytes, ...]
    at_ns: int
    document: str

    @property
    def after(self) -> int:
        """The number after its last."""
        return self.first + len(self.hashes) // HASH_BYTES

    def hash(self, number: int) -> bytes:
        return self.between(number, number + 1)

    def between(self, first: int, after: int) -> bytes:
        """The hashes from one number until before another."""
        return self.hashes[HASH_BYTES * (first - self.first) : HASH_BYTES * (after - self.first)]


class Manifests:
    """The manifests that came. `clients` gives each station's address the client whose word about it counts.

    A number counts from the start of the station's session and past 65,535: see `Manifest`.
    """

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
        if self._clients.get(station) != document.sender:
            return None
        frames = tuple(map(bytes.fromhex, body.frames or ()))
        new = _Kept(body.session, body.first, bytes.fromhex("".join(body.hashes)), frames, at_ns, document.id)
        self._forget(station, at_ns, room=len(body.hashes))
        found = next(self._contradicted(document.sender, station, new), None)
        self._kept[station].append(new)
        self._numbers[station] += len(body.hashes)
        return found

    def answer(self, station: int, session: int, number: int, frame: bytes) -> Answer:
        """What the station's party says about a frame that was heard as this number of this session.

        Where its manifests contradict each other, one that has the frame counts.
        """
        found, heard = Answer(Said.NOT_COVERED, ""), hash_of(frame)
        for kept in self._covering(station, session, number):
            if kept.hash(number) == heard:
                return Answer(Said.HAS, kept.document)
            found = Answer(Said.CONTRADICTS, kept.document)
        return found

    def disclosed(
        self, station: int, session: int, first: int, last: int, heard: Container[int] = ()
    ) -> dict[int, tuple[bytes, str]]:
        """The frames from `first` to `last` that the party disclosed and that are not among those `heard`: each with
        the id of its manifest, by number."""
        found: dict[int, tuple[bytes, str]] = {}
        for kept in self._of(station, session):
            if kept.frames:
                for number in range(max(first, kept.first), min(last + 1, kept.after)):
                    if number not in heard:
                        found.setdefault(number, (kept.frames[number - kept.first], kept.document))
        return dict(sorted(found.items()))

    def _contradicted(self, party: str, station: int, new: _Kept) -> Iterator[Contradiction]:
        for old in self._of(station, new.session):
            if (number := _differ(old, new)) is not None:
                yield Contradiction(party, station, new.session, number, old.document, new.document)

    def _of(self, station: int, session: int) -> Iterator[_Kept]:
        return (kept for kept in self._kept.get(station, ()) if kept.session == session)

    def _covering(self, station: int, session: int, number: int) -> Iterator[_Kept]:
        return (kept for kept in self._of(station, session) if kept.first <= number < kept.after)

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
    """The first number that both cover, and with different frames."""
    first, after = max(one.first, other.first), min(one.after, other.after)
    if first >= after or one.between(first, after) == other.between(first, after):
        return None
    return next(n for n in range(first, after) if one.hash(n) != other.hash(n))
