"""3.3: frames are well formed. What has the right CRC and breaks the format was sent so, and not damaged on its way."""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, Tacit, World, address_text
from protocol.heard import Malformed
from protocol.terms import NoTerms
from protocol.verdicts import UNATTRIBUTED, Finding, Outcome, Passes


class WellFormed:
    id = "3.3"
    title = "well formed"
    text = "Frames are well formed: of the agreed version, every field in its range, reserved bits zero."
    instance = "each frame heard, and whatever has the right CRC and is none"
    proof = (
        "Bytes in its name have the right CRC and break the format: they were sent so, and not damaged on their way."
    )
    limits = (
        "Of a foreign version nothing is known but the first eight bytes, and its rules may let anybody use them: "
        "`unattributed`."
    )
    suspended_by = ""
    kind = "C"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.passes = Tacit(self.id, world)

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        if booked.frame.source not in self.world.talks or self.passes.count(booked.frame.source):
            return ()
        return (Finding(self.id, address_text(booked.frame.source), Outcome.PASS, booked.at_ns),)

    def hear_malformed(self, heard: Malformed) -> Iterator[Finding]:
        """Bytes with the right CRC that are no frame."""
        if heard.source not in self.world.talks:
            return
        name = address_text(heard.source)
        # of a foreign version nothing is known but the first eight bytes; its own rules may let anybody use them
        yield Finding(
            clause=self.id,
            subject=UNATTRIBUTED if heard.is_foreign else name,
            outcome=Outcome.FAIL,
            at_ns=heard.at_ns,
            summary=f"{heard.size} bytes in the name of {name} have the right CRC and are no frame: {heard.what}",
            evidence=(heard.id,),
            assumptions=() if heard.is_foreign else BY_WORD,
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
