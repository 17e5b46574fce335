"""2.2: the guard channels are always guarded, by what a station's own WATCH and IDENT say."""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked, Standing
from protocol.clauses.base import BY_WORD, OWN_DISTRESS, Tacit, World, address_text, not_fresh, unless_suspended
from protocol.messages import Ident, Watch
from protocol.terms import NoTerms
from protocol.verdicts import Finding, Outcome, Passes


class GuardIsGuarded:
    id = "2.2"
    title = "guards guard"
    text = "The guard channels are always guarded: every WATCH and IDENT names them."
    instance = "each IDENT and each WATCH heard"
    proof = "A guard channel is missing among those that its own IDENT or WATCH names."
    limits = (
        "Whether it listens where it says that it does is not known. What may have been sent before the agreement was "
        "in force is not judged, and what is not fresh convicts nobody."
    )
    suspended_by = OWN_DISTRESS
    kind = "C"
    hears_copies = True
    watches = (Ident, Watch)

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.passes = Tacit(self.id, world)
        self.guards = frozenset(world.guards)

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        if not isinstance(message, Ident | Watch) or source not in self.world.talks:
            return ()
        if booked.early_ns < self.world.from_ns:
            return ()  # perhaps sent when the agreement was not yet in force
        if not self.guards <= message.guarded:
            finding = self._unguarded(booked, message)
            if booked.standing is not Standing.FIRST:
                return (not_fresh(finding),)
            return (unless_suspended(finding, booked.account.suspended(booked.number, booked.number)),)
        if booked.standing is not Standing.FIRST or self.passes.count(source):
            return ()
        return (Finding(self.id, address_text(source), Outcome.PASS, booked.at_ns),)

    def _unguarded(self, booked: Booked, message: Ident | Watch) -> Finding:
        missing = ", ".join(f"{n} {self.world.guards[n]}" for n in sorted(self.guards - message.guarded))
        own = ", ".join(map(str, sorted(message.guarded))) or "none"
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"its {booked.frame.type.name} names the channels that it listens on: {own}; "
            f"not among them: {missing}",
            evidence=(booked.id,),
            assumptions=BY_WORD,
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
