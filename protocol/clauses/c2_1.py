"""2.1: agreed channels only, and the frame names its channel."""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked, Standing
from protocol.clauses.base import (
    BY_WORD,
    EVERY_MESSAGE,
    OWN_DISTRESS,
    Tacit,
    World,
    address_text,
    not_fresh,
    unless_suspended,
)
from protocol.terms import NoTerms
from protocol.verdicts import UNATTRIBUTED, Finding, Outcome, Passes


class AgreedChannel:
    id = "2.1"
    title = "agreed channel"
    text = "Only agreed channels are used, and a frame names the channel it is sent on."
    instance = "each frame heard"
    proof = "The frame itself names a channel that is not agreed."
    limits = (
        "A frame heard on another channel than it names can have been repeated there by anybody: `unattributed`. Under "
        "an older agreement the channel may have been an agreed one, so frames sent before this one, and what is not "
        "fresh, convict nobody."
    )
    suspended_by = OWN_DISTRESS
    kind = "C"
    hears_copies = True
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.passes = Tacit(self.id, world)
        self.agreed = {c.number: c.name for c in world.agreement.channel}

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        frame = booked.frame
        if frame.source not in self.world.stations:
            return ()
        if frame.channel not in self.agreed:
            if booked.standing is Standing.COPY or booked.early_ns < self.world.from_ns:
                return ()
            return (self._not_agreed(booked),)
        if frame.channel != booked.heard.channel:
            return (self._elsewhere(booked),)
        if booked.standing is not Standing.FIRST or self.passes.count(frame.source):
            return ()
        return (Finding(self.id, address_text(frame.source), Outcome.PASS, booked.at_ns),)

    def _elsewhere(self, booked: Booked) -> Finding:
        says, heard_on, subject = booked.frame.channel, booked.heard.channel, address_text(booked.frame.source)
        return Finding(
            clause=self.id,
            subject=UNATTRIBUTED,
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"a frame in the name of {subject} says channel {says} and was heard on {heard_on}; "
            "anybody can have repeated it there",
            evidence=(booked.id,),
        )

    def _not_agreed(self, booked: Booked) -> Finding:
        agreed = ", ".join(f"{n} {name}" for n, name in sorted(self.agreed.items()))
        finding = Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"the frame names channel {booked.frame.channel}; agreed are {agreed}",
            evidence=(booked.id,),
            measured=booked.frame.channel,
            unit="channel",
            assumptions=BY_WORD,
        )
        if booked.standing is not Standing.FIRST:
            return not_fresh(finding)  # under an older agreement the channel may have been an agreed one
        return unless_suspended(finding, booked.account.suspended(booked.number, booked.number))

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
