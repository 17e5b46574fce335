"""4.3: the time in a frame is true. A time that is past proves nothing, for anybody can send a frame again later; one
that is still to come can only be the source's own, if no recording of it can be so old."""

from collections.abc import Iterable, Iterator

from protocol.accounts import Booked, Standing
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, Tacit, World, address_text, not_fresh
from protocol.messages import TIME_BOUND_NS, TIME_PERIOD_US, instant_ns
from protocol.terms import TimeTerms
from protocol.units import LIGHT_MPS, NM_M, NS_PER_MS, NS_PER_S
from protocol.verdicts import CLOCK, Cause, Finding, Outcome, Passes

FASTEST_PER_S = 30
"""Of a source that sends more frames a second, a number of a full turn of the time field ago may seem a new one."""


class TrueTime:
    id = "4.3"
    title = "true time"
    text = "The time in a frame is true within {slotted_ms:g} ms, on channels without slots within {unslotted_ms:g} ms."
    instance = "each frame heard that is no copy"
    proof = (
        "The frame gives a time still to come, further ahead than the tolerance and its own bound, and it can be no "
        "recording of a turn of the time field ago: its number did not exist then."
    )
    limits = (
        "It convicts only once a true time was heard of the session; a time that is past can be anybody's doing, and "
        "one without a bound proves nothing. Nobody is convicted who sends more than 30 frames a second; who did so "
        "for 1000 s before he was first heard, and then no more, could be."
    )
    suspended_by = ""
    kind = "X"
    hears_copies = True
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: TimeTerms):
        self.world = world
        self.passes = Tacit(self.id, world)
        self.delay_ns = round(world.agreement.bounds.range_nm * NM_M / LIGHT_MPS * NS_PER_S)
        self.tolerance_ns = {
            c.number: round((terms.slotted_ms if c.slotted else terms.unslotted_ms) * NS_PER_MS)
            for c in world.agreement.channel
        }
        self.wrong: dict[tuple[int, int], int] = {}
        """The last sequence number of each session whose time was wrong: what comes again is nothing new."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        if booked.standing is Standing.COPY or booked.frame.source not in self.world.talks:
            return ()
        if booked.standing is Standing.STALE:
            key, sequence = (booked.frame.source, booked.frame.session), booked.frame.sequence
            if (self.wrong.get(key, sequence - 1) - sequence) & 0xFFFF < 0x8000:
                return ()
            wrong = self._wrong(booked)
            if wrong is not None:
                self.wrong[key] = sequence
                return (wrong,)
        if self.passes.count(booked.frame.source):
            return ()
        return (Finding(self.id, address_text(booked.frame.source), Outcome.PASS, booked.at_ns),)

    def _wrong(self, booked: Booked) -> Finding | None:
        """What is wrong with a frame whose time does not agree with its arrival within its own bound."""
        heard, frame = booked.heard, booked.frame
        bound_ns = TIME_BOUND_NS.get(frame.time_quality)
        tolerance_ns = max(self.tolerance_ns.get(heard.channel, 0), bound_ns or 0)
        stamp_ns = instant_ns(frame.time_us, heard.at_ns)
        left_early = heard.at_ns - heard.clock_bound_ns - self.delay_ns - self.world.hold_ns(heard.channel)
        left_late = heard.at_ns + heard.clock_bound_ns
        past_ns, ahead_ns = left_early - (stamp_ns + 1000 + tolerance_ns), stamp_ns - tolerance_ns - left_late
        if past_ns <= 0 and ahead_ns <= 0:
            return None
        finding = self._finding(booked, stamp_ns - heard.at_ns, tolerance_ns)
        if bound_ns is None:
            return finding._replace(outcome=Outcome.INCONCLUSIVE, cause=Cause.NO_BOUND, assumptions=())
        if ahead_ns > 0 and self._cannot_be_old(booked, stamp_ns - heard.at_ns):
            return finding
        return not_fresh(finding)

    def _cannot_be_old(self, booked: Booked, ahead_ns: int) -> bool:
        """Whether its number did not exist when it would have been recorded: a turn of the time field ago."""
        account = booked.account
        if not account.named:
            return False
        first, since_ns = account.named[0], booked.at_ns - account.last_at_ns
        numbers, elapsed_ns = account.last_number - first.number, account.last_at_ns - first.at_ns
        is_slow = numbers * NS_PER_S <= FASTEST_PER_S * max(elapsed_ns, NS_PER_S)
        return is_slow and since_ns < TIME_PERIOD_US * 1000 - ahead_ns - NS_PER_S

    def _finding(self, booked: Booked, error_ns: int, tolerance_ns: int) -> Finding:
        error_ms, way = abs(error_ns) / NS_PER_MS, "ahead of" if error_ns > 0 else "behind"
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"a {booked.frame.type.name} of {address_text(booked.frame.source)} gives a time "
            f"{error_ms:,.3f} ms {way} its arrival",
            evidence=(booked.id,),
            measured=round(error_ms, 3),
            limit=tolerance_ns / NS_PER_MS,
            unit="ms",
            assumptions=(*BY_WORD, CLOCK),
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()
