"""1.4: IDENT at least every `limit_s`. Read off the IDENT count in POSITION, which loss cannot hide."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protocol.accounts import COUNTED, Account, Booked
from protocol.bounds import FASTEST_MPS, in_area, stayed_inside
from protocol.clauses.base import ANNOUNCED, BY_WORD, ByAccount, World, address_text
from protocol.clauses.silences import Silence, serials_since, silence_of
from protocol.messages import Emcon, Ident, Position
from protocol.terms import IdentTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import CLOCK, STAYED_UP, Cause, Finding, Outcome, Passes


@dataclass(slots=True)
class _Stretch:
    """POSITIONs with one IDENT count: the first and last heard, and the last heard with the count before."""

    count: int
    first: Booked
    last: Booked
    before: Booked | None
    failed: bool = False


class Identified:
    id = "1.4"
    title = "identifies itself"
    text = "A station identifies itself (IDENT) at least every {limit_s:g} s."
    instance = "each stretch between two changes of the IDENT count"
    proof = (
        "The IDENT count in its POSITIONs stood still for longer than the limit, while it was airborne in the area "
        "without a break."
    )
    limits = (
        "Announced silences are taken off at their longest; one whose EMCON was not heard leaves it open, and so do "
        "more than 256 numbers between two POSITIONs, for the count may have gone round."
    )
    suspended_by = ANNOUNCED
    kind = "A"
    hears_copies = False
    watches = (Emcon, Ident, Position)

    def __init__(self, world: World, terms: IdentTerms):
        self.world = world
        self.limit_s = terms.limit_s
        self.limit_ns = seconds_ns(terms.limit_s)
        self.open: ByAccount[_Stretch] = ByAccount()
        self.silences: ByAccount[dict[int, Silence]] = ByAccount()
        """The announcements heard last, by serial."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message = booked.frame.message
        if isinstance(message, Position):
            return self._report(booked, message)
        if isinstance(message, Ident) and message.sign_off:
            self.open.pop(booked.account, None)
        elif isinstance(message, Emcon):
            self.silences.over(booked)
            self.silences.setdefault(booked.account, {})[message.serial] = silence_of(booked, message)
        return ()

    def _report(self, booked: Booked, message: Position) -> Iterable[Finding]:
        stretch = self.open.get(booked.account)
        if not (message.airborne and in_area(message, self.world.annexes.area)):
            self.open.pop(booked.account, None)
        elif stretch is None or not self._stayed(stretch.last, booked):
            self.open[booked.account] = _Stretch(message.idents, booked, booked, None)
            return self._pending(self.open.over(booked), booked.at_ns)
        elif booked.number - stretch.last.number > COUNTED:  # the count may have gone round unseen
            self.open[booked.account] = _Stretch(message.idents, booked, booked, None)
            if booked.early_ns - stretch.last.late_ns > self.limit_ns:
                return (self._open(stretch.last, booked),)
        elif message.idents != stretch.count:
            self.open[booked.account] = _Stretch(message.idents, booked, booked, stretch.last)
            return self._end(stretch, booked)
        else:
            stretch.last = booked
            if booked.early_ns - stretch.first.late_ns > self.limit_ns and not stretch.failed:
                return self._too_long(stretch, booked)
        return ()

    def _stayed(self, a: Booked, b: Booked) -> bool:
        """Whether it cannot have left the area and come back between two reports: outside it owes nothing."""
        before, after = a.frame.message, b.frame.message
        assert isinstance(before, Position)
        assert isinstance(after, Position)
        return stayed_inside(before, after, b.late_ns - a.early_ns, self.world.annexes.area, FASTEST_MPS)

    def _silent_ns(self, a: Booked, b: Booked) -> int | None:
        """For how long it was silent between two POSITIONs, at the most, as it had announced; None if that was not
        heard."""
        before, after = a.frame.message, b.frame.message
        assert isinstance(before, Position)
        assert isinstance(after, Position)
        silent_ns, known = 0, self.silences.get(b.account, {})
        for serial in serials_since(before.emcon, after.emcon):
            if (silence := known.get(serial)) is None:
                return None
            silent_ns += max(min(silence.end_late_ns, b.late_ns) - max(silence.begin_early_ns, a.early_ns), 0)
        return silent_ns

    def _too_long(self, stretch: _Stretch, booked: Booked) -> Iterable[Finding]:
        """The count stood still for longer than the limit. Trouble explains that once; from here on it counts anew."""
        silent_ns = self._silent_ns(stretch.first, booked)
        if silent_ns is None:
            doubt = self._finding(Outcome.INCONCLUSIVE, stretch.first, booked)._replace(cause=Cause.STATE_UNHEARD)
            doubt = self.world.with_losses(doubt, stretch.first.at_ns, booked.at_ns, booked.frame.source)
            stretch.first, stretch.before = booked, None
            return (doubt,)
        if booked.early_ns - stretch.first.late_ns - silent_ns <= self.limit_ns:
            return ()
        finding = self._finding(Outcome.FAIL, stretch.first, booked)
        told = self.world.unless_troubled(finding, stretch.first.early_ns, booked.late_ns, booked.frame.source)
        if told.outcome is Outcome.FAIL:
            stretch.failed = True
        else:
            stretch.first, stretch.before = booked, None
        return (told,)

    def _end(self, stretch: _Stretch, after: Booked) -> Iterator[Finding]:
        """The count went up: both IDENTs lie between `before` and `after`, so the time between them is bounded."""
        if stretch.failed or stretch.before is None:
            return
        if after.at_ns - stretch.before.at_ns - (self._silent_ns(stretch.before, after) or 0) <= self.limit_ns:
            yield self._finding(Outcome.PASS, stretch.before, after)
        else:
            yield self._open(stretch.before, after)

    def _open(self, a: Booked, b: Booked) -> Finding:
        return self.world.unheard(self._finding(Outcome.INCONCLUSIVE, a, b), a.at_ns, b.at_ns, b.frame.source)

    def _finding(self, outcome: Outcome, a: Booked, b: Booked) -> Finding:
        subject, seconds = address_text(b.frame.source), (b.at_ns - a.at_ns) / NS_PER_S
        return Finding(
            clause=self.id,
            subject=subject,
            outcome=outcome,
            at_ns=b.at_ns,
            summary={
                Outcome.FAIL: f"its own count shows no IDENT sent in {seconds:.1f} s",
                Outcome.INCONCLUSIVE: f"IDENTs at most {seconds:.1f} s apart: unheard POSITIONs leave open when",
            }.get(outcome, ""),
            evidence=(a.id, b.id),
            measured=round(seconds, 3),
            limit=self.limit_s,
            unit="s",
            assumptions=(*BY_WORD, CLOCK, STAYED_UP) if outcome is Outcome.FAIL else (),
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self._pending(self.open.items(), end_ns)

    def _pending(self, stretches: Iterable[tuple[Account, _Stretch]], end_ns: int) -> Iterator[Finding]:
        for account, stretch in stretches:
            if not stretch.failed:
                yield Finding(self.id, address_text(account.source), Outcome.PENDING, end_ns)
