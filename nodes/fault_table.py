"""Which clause each fault must trip, and what else it may trip: the one table of it."""

from collections.abc import Iterable
from enum import Enum
from math import inf
from typing import NamedTuple

from nodes.scenario import FaultEntry, StationEntry
from protocol.verdicts import UNATTRIBUTED


class Whom(Enum):
    """Whom the clause's verdict is about: who has the fault, its party, nobody, or it and its target together."""

    ITSELF = "itself"
    PARTY = "party"
    NOBODY = "nobody"
    PAIR = "pair"


class Onset(Enum):
    """When a fault may begin so that it breaks its clause."""

    ANY = "any"
    START = "start"
    """With the flight: what was said before it would still hold."""
    LATER = "later"
    """Not with the flight: what was true before it must have been heard."""


class Side(Enum):
    """Whose breach it is, by who calls first: of the party that is to call, or of one that is called."""

    CALLS = "calls"
    IS_CALLED = "is called"


class Trips(NamedTuple):
    """What a fault does. `seconds`: active for so long, and all frames heard, it must have been found; without end, if
    that depends on more than itself.

    `near`: those seconds count only while somebody of the other party is inside the contact ring. `ends`: it is proved
    only once it is over. `full_power`: it is one only of a station of the usual power. `side`: only of this one.
    """

    clause: str
    seconds: float
    also: tuple[str, ...] = ()
    whom: Whom = Whom.ITSELF
    onset: Onset = Onset.ANY
    near: bool = False
    ends: bool = False
    full_power: bool = False
    side: Side | None = None


TABLE: dict[str, Trips] = {
    "stranger": Trips("1.1", 5, whom=Whom.NOBODY, onset=Onset.START),
    # 9.1: where there are manifests, they tell which of the two it is, and nothing else is said of the other's frames
    "impersonation": Trips("1.2", 10, also=("9.1",), whom=Whom.NOBODY, onset=Onset.LATER),
    "stale_agreement": Trips("1.3", 25),
    "anonymous": Trips("1.4", 65),
    "wrong_channel": Trips("2.1", 10),
    "deaf_on_guard": Trips("2.2", 6),
    "guard_chatter": Trips("2.3", 75),
    "early_move": Trips("2.4", inf),
    "wrong_fallback": Trips("2.5", inf),
    "slot_thief": Trips("3.1", 12),
    "babbler": Trips("3.2", 65),
    "malformed": Trips("3.3", 15),
    "loud": Trips("3.4", 5, also=("4.5",), full_power=True),
    # who is silent for long does not identify itself either, lets its intent run out, calls nobody, answers nobody
    "silent": Trips("4.1", 9, also=("1.4", "5.1", "6.2", "6.3"), onset=Onset.LATER, ends=True),
    "replay": Trips("4.2", 15, whom=Whom.NOBODY),
    "bad_clock": Trips("4.3", 10, also=("4.5",), onset=Onset.LATER),
    # 3.4: power or position, and the position is false; 6.2, 6.5: it claims to be near, and calls nobody; 8.1, 8.2: it
    # claims to be outside its plan, or inside an area
    "teleport": Trips("4.4", 15, also=("3.4", "4.5", "5.3", "6.2", "6.5", "8.1", "8.2")),
    # 4.4 and 5.3: the jump when it begins or ends
    "spoofed_position": Trips("4.5", 5, also=("3.4", "4.4", "5.3", "8.1", "8.2")),
    "vague": Trips("4.6", 36),
    "overlong_emcon": Trips("4.7", 20),
    "no_intent": Trips("5.1", 40, onset=Onset.START),
    "surprise_turn": Trips("5.2", inf, also=("5.3",)),  # if it says nothing new for long, as in a silence
    "broken_promise": Trips("5.3", inf),
    "too_close": Trips(
        "6.1", 0, also=("6.6",), whom=Whom.PAIR
    ),  # how long it takes to get there, only the true motions say
    "no_contact": Trips("6.2", 75, also=("2.5", "6.5"), onset=Onset.START, near=True, side=Side.CALLS),
    "ignores_hail": Trips("6.3", 75, onset=Onset.START, near=True, side=Side.IS_CALLED),
    "says_not_does": Trips("6.4", inf),
    "plays_chicken": Trips("6.5", inf, also=("2.5", "6.1")),  # 2.5: if it ends in the middle of a call
    "simulated_attack": Trips("6.6", inf, also=("5.3",)),
    "lost_link_stray": Trips("6.7", inf, also=("3.2", "5.3")),  # 3.2: it says so very often, with strength
    "vague_mayday": Trips("7.1", 10),
    "ignored_mayday": Trips("7.2", inf),
    "talks_over": Trips("7.3", inf),
    "uncoordinated_drone": Trips("8.1", 45, onset=Onset.START),
    "area_intruder": Trips("8.2", 45),
    "dead_line": Trips("8.3", 95, whom=Whom.PARTY),
    "cover_up": Trips("8.4", inf, whom=Whom.PARTY),
    # 1.2: where there are no manifests, as long as a headquarters is not on the line
    "forgery": Trips("9.1", 45, also=("1.2",), whom=Whom.NOBODY),
    "false_manifest": Trips("9.1", 45, whom=Whom.PARTY),
}


def on_its_side(row: Trips, party: str | None, first: str) -> bool:
    """Whether a station of a party can have a fault as its own breach. `first` is the party that calls first."""
    return row.side is None or (party == first) == (row.side is Side.CALLS)


def subject_of(fault: FaultEntry, stations: Iterable[StationEntry]) -> str:
    """Whom the clause of a fault must fail for, as verdicts name it."""
    stations = tuple(stations)
    addresses = {s.call_sign: f"{s.address:06x}" for s in stations}
    whom = TABLE[fault.name].whom
    if whom is Whom.NOBODY:
        return UNATTRIBUTED
    if whom is Whom.PARTY:
        return next(s.party for s in stations if s.call_sign == fault.station) or UNATTRIBUTED
    if whom is Whom.PAIR and fault.target is not None:
        return "/".join(sorted((addresses[fault.station], addresses[fault.target])))
    return addresses[fault.station]


def guilty_of(faults: Iterable[FaultEntry], stations: tuple[StationEntry, ...]) -> set[tuple[str, str]]:
    """Every (clause, subject) that these faults excuse a fail of. A pair is excused by either of its two."""
    addresses = {s.call_sign: f"{s.address:06x}" for s in stations}
    excused = set()
    for fault in faults:
        row = TABLE[fault.name]
        subject = subject_of(fault, stations)
        excused.add((row.clause, subject))
        excused |= {(clause, who) for clause in row.also for who in (addresses[fault.station], subject)}
    return excused
