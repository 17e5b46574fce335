"""1.1: every transmission names a station in a party's register."""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked, Standing
from protocol.clauses.base import EVERY_MESSAGE, Tacit, World, address_text
from protocol.terms import NoTerms
from protocol.verdicts import UNATTRIBUTED, Finding, Outcome, Passes


class Registered:
    id = "1.1"
    title = "registered"
    text = "Every transmission names a station in a party's register."
    instance = "each frame heard"
    proof = "A frame names a source that is in no party's register."
    limits = "Anybody can name any address: who sent it is not known, and the subject is `unattributed`."
    suspended_by = ""
    kind = "X"
    hears_copies = True
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.passes = Tacit(self.id, world)

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        source = booked.frame.source
        if source not in self.world.stations:
            return (self._stranger(booked),)
        if booked.standing is not Standing.FIRST or self.passes.count(source):
            return ()
        return (Finding(self.id, address_text(source), Outcome.PASS, booked.at_ns),)

    def _stranger(self, booked: Booked) -> Finding:
        source = address_text(booked.frame.source)
        return Finding(
            clause=self.id,
            subject=UNATTRIBUTED,
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"a frame from {source}, which no party has registered; who sent it is not known",
            evidence=(booked.id,),
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
