"""0.1: a declared avoidance suspends the clauses that an aircraft in trouble cannot keep. It accuses nobody.

The clauses that are suspended ask the books themselves; this one only shows who made use of it.
"""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked
from protocol.clauses.base import World, address_text
from protocol.messages import EmergencyState, Intent, IntentKind, Position
from protocol.terms import NoTerms
from protocol.verdicts import Cause, Finding, Outcome, Passes


class Avoidance:
    id = "0.1"
    title = "avoidance"
    text = (
        "A declared avoidance (INTENT avoid) or a flagged emergency suspends 2.x, 3.1, 3.2, 4.6, 5.x, 6.x and 7.3 for "
        "the station."
    )
    instance = "each INTENT heard that declares an avoidance; each time that an emergency begins to be flagged"
    proof = "It accuses nobody: it only shows who made use of it."
    limits = (
        "The clauses that it suspends look it up in the books: where an INTENT that was not heard may have declared an "
        "avoidance, or a POSITION an emergency, they convict nobody."
    )
    suspended_by = ""
    kind = "C"
    hears_copies = False
    watches = (Intent, Position)

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.flagged: set[int] = set()

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        if isinstance(message, Intent) and message.kind is IntentKind.AVOID:
            return (self._used(booked, f"INTENT {message.serial} declares an avoidance for {message.validity_s} s"),)
        if isinstance(message, Position) and message.emergency is EmergencyState.NONE:
            self.flagged.discard(source)
        elif isinstance(message, Position) and source not in self.flagged:
            self.flagged.add(source)
            return (self._used(booked, f"its POSITION flags an emergency: {message.emergency.name}"),)
        return ()

    def _used(self, booked: Booked, summary: str) -> Finding:
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=Outcome.EXCUSED,
            at_ns=booked.at_ns,
            summary=summary,
            evidence=(booked.id,),
            cause=Cause.DISTRESS,
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
