"""4.1: POSITION at least every `limit_s`, airborne in the area."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from protocol.accounts import Account, Booked
from protocol.bounds import FASTEST_MPS, in_area, stayed_inside
from protocol.clauses.base import ANNOUNCED, BY_WORD, EVERY_MESSAGE, ByAccount, Tacit, World, address_text
from protocol.clauses.silences import Silence, serials_since, silence_of
from protocol.messages import Ack, Emcon, Hail, Ident, Position
from protocol.terms import ReportTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import CLOCK, STAYED_UP, Cause, Finding, Outcome, Passes


@dataclass(slots=True)
class _Gap:
    """The last POSITION heard, and every frame heard since (it first)."""

    position: Booked
    frames: list[Booked] = field(default_factory=list)
    again_ns: int | None = None
    """When the station was heard again, in another session."""


class Reports:
    id = "4.1"
    title = "reports"
    text = "An aircraft that is airborne in the area sends POSITION at least every {limit_s:g} s."
    instance = "each pair of consecutive heard POSITIONs of a session"
    proof = (
        "Two POSITIONs of a session are further apart than the limit, and the frames not heard between them cannot "
        "fill that, by their numbers and counts, however kindly they are placed."
    )
    limits = (
        "A silence that was announced explains a gap; one that was announced and not heard of leaves it open. Another "
        "EMCON takes the place of the one before: of two that are announced by turns, the first is not known to "
        "whoever did not hear it. Who may have left the area in between is not convicted."
    )
    suspended_by = ANNOUNCED
    kind = "A"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: ReportTerms):
        self.world = world
        self.passes = Tacit(self.id, world)
        self.limit_s = terms.limit_s
        self.limit_ns = seconds_ns(terms.limit_s)
        self.open: ByAccount[_Gap] = ByAccount()
        self.silences: ByAccount[dict[int, Silence]] = ByAccount()
        """The announcements heard last, by serial."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, gap = booked.frame.message, self.open.get(booked.account)
        if gap is not None:
            gap.frames.append(booked)
        if isinstance(message, Position):
            return self._report(gap, booked, message)
        if isinstance(message, Ident) and message.sign_off:
            self.open.pop(booked.account, None)
        elif isinstance(message, Emcon):
            self.silences.over(booked)
            self.silences.setdefault(booked.account, {})[message.serial] = silence_of(booked, message)
        return ()

    def _report(self, gap: _Gap | None, booked: Booked, message: Position) -> Iterable[Finding]:
        duty = message.airborne and in_area(message, self.world.annexes.area)
        if gap is None:
            self._heard_again(booked)
        if not duty:
            self.open.pop(booked.account, None)
            return ()
        self.open[booked.account] = _Gap(booked, [booked])
        return self._left_open(self.open.over(booked), booked.at_ns) if gap is None else self._judge(gap, booked)

    def _heard_again(self, booked: Booked) -> None:
        for account, gap in self.open.items():
            if account.source == booked.frame.source and gap.again_ns is None:
                gap.again_ns = booked.at_ns

    def _judge(self, gap: _Gap, b: Booked) -> Iterable[Finding]:
        a, source = gap.position, b.frame.source
        if b.early_ns - a.late_ns > self.limit_ns:
            return (self._late(gap, b),)
        if self.passes.count(source, round((b.at_ns - a.at_ns) / NS_PER_S, 3), self.limit_s):
            return ()
        return (self._finding(Outcome.PASS, gap),)

    def _late(self, gap: _Gap, b: Booked) -> Finding:
        a, source = gap.position, b.frame.source
        before, after = a.frame.message, b.frame.message
        assert isinstance(before, Position)
        assert isinstance(after, Position)
        serials, known = serials_since(before.emcon, after.emcon), self.silences.get(b.account, {})
        if any(serial not in known for serial in serials):
            doubt = self._finding(Outcome.INCONCLUSIVE, gap, Cause.STATE_UNHEARD)
            return self.world.with_losses(doubt, a.at_ns, b.at_ns, source)
        # only what comes before an announced silence is late; what comes after it belongs to 4.7
        inside = (s for s in known.values() if serials and s.begin_early_ns < b.early_ns and s.end_late_ns > a.late_ns)
        due_ns = min((s.begin_early_ns for s in inside), default=b.early_ns)
        if due_ns - a.late_ns <= self.limit_ns:
            left_s = round(max(due_ns - a.late_ns, 0) / NS_PER_S, 3)
            return self._finding(Outcome.PASS, gap)._replace(measured=left_s)
        if not self._too_long_however_placed(gap, due_ns):
            return self.world.unheard(self._finding(Outcome.INCONCLUSIVE, gap), a.at_ns, b.at_ns, source)
        if not stayed_inside(before, after, b.late_ns - a.early_ns, self.world.annexes.area, FASTEST_MPS):
            return self._finding(Outcome.INCONCLUSIVE, gap, Cause.AREA_EDGE)
        return self.world.unless_troubled(self._finding(Outcome.FAIL, gap), a.early_ns, b.late_ns, source)

    def _too_long_however_placed(self, gap: _Gap, due_ns: int) -> bool:
        """Whether no placing of the unheard frames keeps every gap between POSITIONs, up to an instant, within the
        limit.

        Any of them may be a POSITION, but no more in all than the counts leave. Each is placed as late as the limit
        and its neighbours' numbers allow. `latest[n]` is the last POSITION's latest time after n unheard ones.
        """
        budget = _possible_positions(gap)
        latest = [gap.position.late_ns]
        for x, y in pairwise(gap.frames):
            unheard = y.number - x.number - 1
            after = list(latest)
            for used, current in enumerate(latest):
                for more in range(1, min(unheard, budget - used) + 1):
                    if current + self.limit_ns < x.early_ns or current >= y.late_ns:
                        break
                    current = min(current + self.limit_ns, y.late_ns)
                    if used + more == len(after):
                        after.append(current)
                    after[used + more] = max(after[used + more], current)
            latest = list(accumulate(after, max))
        return latest[-1] + self.limit_ns < due_ns

    def _finding(self, outcome: Outcome, gap: _Gap, cause: Cause | None = None) -> Finding:
        a, b = gap.position, gap.frames[-1]
        seconds, missing = (b.at_ns - a.at_ns) / NS_PER_S, b.number - a.number - len(gap.frames) + 1
        proof = f"its {missing} frames not heard cannot fill that" if missing else "none of its frames is missing there"
        told = {
            Outcome.FAIL: f"no POSITION for {seconds:.1f} s, and {proof}",
            Outcome.INCONCLUSIVE: f"no POSITION heard for {seconds:.1f} s, but {missing} of its frames were not heard",
        }
        return Finding(
            clause=self.id,
            subject=address_text(b.frame.source),
            outcome=outcome,
            at_ns=b.at_ns,
            summary=told.get(outcome, ""),
            # a pass needs no list; a gap is shown with every frame that was heard in it
            evidence=tuple(f.id for f in gap.frames) if outcome is not Outcome.PASS else (a.id, b.id),
            cause=cause,
            measured=round(seconds, 3),
            limit=self.limit_s,
            unit="s",
            assumptions=(*BY_WORD, CLOCK, STAYED_UP) if outcome is Outcome.FAIL else (),
        )

    def _is_quiet(self, account: Account, last: Booked, until_ns: int) -> bool:
        """Whether an announced silence explains that it was not heard until then."""
        return any(
            s.begin_early_ns <= last.late_ns + self.limit_ns and until_ns <= s.end_late_ns + self.limit_ns
            for s in self.silences.get(account, {}).values()
        )

    def counted(self) -> Iterable[Passes]:
        return self.passes.counted()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self._left_open(self.open.items(), end_ns)

    def _left_open(self, gaps: Iterable[tuple[Account, _Gap]], end_ns: int) -> Iterator[Finding]:
        """Of gaps after which no POSITION came in the same session."""
        for account, gap in gaps:
            subject, last = address_text(account.source), gap.position
            until_ns, silence = end_ns, "no POSITION heard from then to the end; out of reach and silent look the same"
            if gap.again_ns is not None:
                until_ns, silence = gap.again_ns, "no POSITION heard until it began another session"
            if until_ns - last.at_ns <= self.limit_ns or self._is_quiet(account, last, until_ns):
                yield Finding(self.id, subject, Outcome.PENDING, until_ns)
                continue
            # what came when its next report was due explains why there was none
            cause = self.world.why_unheard(last.at_ns, last.at_ns + self.limit_ns, account.source)
            yield Finding(
                clause=self.id,
                subject=subject,
                outcome=Outcome.INCONCLUSIVE,
                at_ns=until_ns,
                summary=silence,
                evidence=(last.id,),
                cause=Cause.NOT_HEARD_AGAIN if cause is Cause.FRAME_LOST else cause,
                measured=round((until_ns - last.at_ns) / NS_PER_S, 3),
                limit=self.limit_s,
                unit="s",
            )


def _possible_positions(gap: _Gap) -> int:
    """How many of the unheard frames between two POSITIONs can be POSITIONs themselves.

    The counts of IDENTs, HAILs and ACKs rose by at least as many as were sent in between; those that were not heard
    are among the unheard numbers. Counts that claim more than there is room for prove nothing.
    """
    a, b = gap.frames[0], gap.frames[-1]
    before, after = a.frame.message, b.frame.message
    assert isinstance(before, Position)
    assert isinstance(after, Position)
    unheard = b.number - a.number - len(gap.frames) + 1
    others = 0
    for kind, rise in (
        (Ident, after.idents - before.idents),
        (Hail, after.hails - before.hails),
        (Ack, after.acks - before.acks),
    ):
        heard = sum(isinstance(f.frame.message, kind) for f in gap.frames)
        if rise & 0xFF < heard:
            return unheard
        others += (rise & 0xFF) - heard
    return unheard - others if others <= unheard else unheard
