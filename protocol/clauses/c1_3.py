"""1.3: everyone flies the agreement in force. Every IDENT says which agreement its station flies under."""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked, Standing
from protocol.clauses.base import BY_WORD, Tacit, World, address_text, not_fresh
from protocol.messages import Ident
from protocol.terms import NoTerms
from protocol.verdicts import Finding, Outcome, Passes


class AgreementInForce:
    id = "1.3"
    title = "agreement in force"
    text = "A station flies the agreement in force: each IDENT of its names the digest of these terms."
    instance = "each IDENT heard"
    proof = "Its own IDENT, fresh and heard for the first time, names the digest of other terms."
    limits = (
        "What may have been sent before the agreement was in force is not judged. An IDENT sent again may be of an "
        "older agreement: it convicts nobody."
    )
    suspended_by = ""
    kind = "C"
    hears_copies = True
    watches = (Ident,)

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.passes = Tacit(self.id, world)
        self.digest = int(world.agreement.digest()[:8], 16)

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        ident = booked.frame.message
        if not isinstance(ident, Ident) or booked.frame.source not in self.world.talks:
            return ()
        if booked.early_ns < self.world.from_ns:
            return ()  # perhaps sent when the agreement was not yet in force
        if ident.agreement != self.digest:
            finding = self._another(booked, ident)
            # an older agreement was in force once, and its IDENTs can be sent again
            return (finding if booked.standing is Standing.FIRST else not_fresh(finding),)
        if booked.standing is not Standing.FIRST or self.passes.count(booked.frame.source):
            return ()
        return (Finding(self.id, address_text(booked.frame.source), Outcome.PASS, booked.at_ns),)

    def _another(self, booked: Booked, ident: Ident) -> Finding:
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"its IDENT names agreement {ident.agreement:08x}; {self.digest:08x} is in force",
            evidence=(booked.id,),
            assumptions=BY_WORD,
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
