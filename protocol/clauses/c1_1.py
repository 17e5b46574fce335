"""1.1: every transmission names a station in a party's register."""

from collections.abc import Iterator

from protocol.accounts import Booked, Standing
from protocol.clauses.base import EVERY_MESSAGE, World, address_text
from protocol.verdicts import UNATTRIBUTED, Finding, Outcome


class Registered:
    id = "1.1"
    title = "registered"
    text = "Every transmission names a station in a party's register."
    kind = "X"
    hears_copies = True
    watches = EVERY_MESSAGE

    def __init__(self, world: World):
        self.world = world

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterator[Finding]:
        source = booked.frame.source
        if source not in self.world.stations:
            yield Finding(
                clause=self.id,
                subject=UNATTRIBUTED,
                outcome=Outcome.FAIL,
                at_ns=booked.at_ns,
                summary=f"a frame from {address_text(source)}, which no party has registered; who sent it is not known",
                evidence=(booked.id,),
            )
        elif booked.standing is Standing.FIRST:
            yield Finding(self.id, address_text(source), Outcome.PASS, booked.at_ns)

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
