"""2.1: agreed channels only, and the frame names its channel."""

from collections.abc import Iterator

from protocol.accounts import Booked, Standing
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, World, address_text
from protocol.messages import EmergencyState, Position
from protocol.verdicts import UNATTRIBUTED, Cause, Finding, Outcome


class AgreedChannel:
    id = "2.1"
    title = "agreed channel"
    text = "Only agreed channels are used, and a frame names the channel it is sent on."
    kind = "C"
    hears_copies = True
    watches = EVERY_MESSAGE

    def __init__(self, world: World):
        self.world = world
        self.agreed = {c.number: c.name for c in world.agreement.channel}

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterator[Finding]:
        frame, heard_on = booked.frame, booked.heard.channel
        if frame.source not in self.world.stations:
            return
        subject = address_text(frame.source)
        if frame.channel not in self.agreed:
            if booked.standing is not Standing.COPY:
                yield self._not_agreed(booked, subject)
        elif frame.channel != heard_on:
            yield Finding(
                clause=self.id,
                subject=UNATTRIBUTED,
                outcome=Outcome.FAIL,
                at_ns=booked.at_ns,
                summary=f"a frame in the name of {subject} says channel {frame.channel} and was heard on {heard_on}; "
                "anybody can have repeated it there",
                evidence=(booked.id,),
            )
        elif booked.standing is Standing.FIRST:
            yield Finding(self.id, subject, Outcome.PASS, booked.at_ns)

    def _not_agreed(self, booked: Booked, subject: str) -> Finding:
        suspended = self._suspended(booked)
        outcome, cause = Outcome.FAIL, None
        if suspended:
            outcome, cause = Outcome.EXCUSED, Cause.DISTRESS
        elif suspended is None:
            outcome, cause = Outcome.INCONCLUSIVE, Cause.STATE_UNHEARD
        agreed = ", ".join(f"{n} {name}" for n, name in sorted(self.agreed.items()))
        return Finding(
            clause=self.id,
            subject=subject,
            outcome=outcome,
            at_ns=booked.at_ns,
            summary=f"the frame names channel {booked.frame.channel}; agreed are {agreed}",
            evidence=(booked.id,),
            cause=cause,
            measured=booked.frame.channel,
            unit="channel",
            assumptions=BY_WORD if outcome is Outcome.FAIL else (),
        )

    def _suspended(self, booked: Booked) -> bool | None:
        """What the books say; of a stale frame only what it says itself, for its serial may be of another time."""
        if booked.standing is Standing.FIRST:
            return booked.account.suspended(booked.number, booked.number)
        message = booked.frame.message
        calm = isinstance(message, Position) and message.emergency is EmergencyState.NONE
        return False if calm and booked.frame.intent == 0 else None

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
