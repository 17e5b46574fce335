"""4.7: an EMCON is short, announced in time, and ends when announced."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protocol.accounts import SERIALS, Account, Booked
from protocol.bounds import FASTEST_MPS, in_area, stayed_inside
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, ByAccount, World, address_text
from protocol.clauses.silences import Silence, silence_of
from protocol.messages import Emcon, Ident, Position
from protocol.terms import EmconTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.unsent import begins
from protocol.verdicts import CLOCK, STAYED_UP, Cause, Finding, Outcome, Passes


@dataclass(slots=True)
class _Announced:
    """One silence, as it was announced last."""

    silence: Silence
    before: Booked
    """The last frame heard that was surely sent before its end."""
    after: Booked | None = None
    """The first frame heard after its end, if that came too late and no POSITION has been heard since."""
    over: bool = False


@dataclass(slots=True)
class _Reported:
    """The last POSITION of a session, and the last one that named another serial before."""

    last: Booked
    emcon: int
    other: Booked | None = None


class Emissions:
    id = "4.7"
    title = "announced silence"
    text = "A silence (EMCON) is announced {notice_s:g} s before, lasts {longest_s:g} s at most and ends as announced."
    instance = "each serial: its announcement, and its end"
    proof = (
        "Its own EMCON announces a silence that is too long, or that begins too soon and was not announced before, as "
        "a POSITION or numbers without a hole prove. Or, after the announced end, numbers without a hole prove that "
        "nothing was sent for the limit of 4.1."
    )
    limits = (
        "Whole seconds are taken for rounded either way. Numbers without a hole prove that nothing was announced "
        "before only from the session's first frame on, and nothing is said of a station that is not heard again. "
        "What was announced in the session before may be said again late, and silences that follow each other at once "
        "are one. Who sends no POSITION after its silence may have landed in it."
    )
    suspended_by = ""
    kind = "A"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: EmconTerms):
        self.world, self.terms = world, terms
        self.notice_ns = seconds_ns(terms.notice_s)
        reports = world.agreement.clause.c4_1
        assert reports, "the agreement's own validation asks for 4.1 where this clause is in force"
        self.limit_s = reports.limit_s
        self.limit_ns = seconds_ns(reports.limit_s)
        self.reported: ByAccount[_Reported] = ByAccount()
        self.announced: ByAccount[dict[int, _Announced]] = ByAccount()
        """By serial."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, account = booked.frame.message, booked.account
        found: Iterable[Finding] = ()
        if account in self.announced:
            found = tuple(self._heard(booked))
        if isinstance(message, Position):
            reported = self.reported.get(account)
            if reported is None:
                self.reported.over(booked)
                found = (*found, *self._left_open(self.announced.over(booked), booked.at_ns))
                self.reported[account] = _Reported(booked, message.emcon)
            elif reported.emcon == message.emcon:
                reported.last = booked
            else:
                self.reported[account] = _Reported(booked, message.emcon, reported.last)
        elif isinstance(message, Emcon):
            return (*found, *self._announce(booked, message)) if booked.frame.source in self.world.flies else found
        elif isinstance(message, Ident) and message.sign_off:
            self.announced.pop(account, None)
        return found

    # ------------------------------------------------------------------ announced: how long, and how early

    def _announce(self, booked: Booked, emcon: Emcon) -> Iterator[Finding]:
        silence = silence_of(booked, emcon)
        announced = self.announced.setdefault(booked.account, {})
        known = announced.get(emcon.serial)
        if known is not None and known.silence.is_same(silence):
            known.silence = silence
            return
        announced[emcon.serial] = _Announced(silence, booked)
        if emcon.duration_s > self.terms.longest_s:
            told = f"EMCON {emcon.serial} announces a silence of {emcon.duration_s} s"
            yield self._breach(booked, told, (booked.id,), emcon.duration_s, self.terms.longest_s)
        elif emcon.from_s >= self.terms.notice_s:
            yield self._finding(Outcome.PASS, booked, (booked.id,), emcon.from_s, self.terms.notice_s)
        if emcon.from_s < self.terms.notice_s:
            yield self._late(booked, emcon, silence, known is None)

    def _late(self, booked: Booked, emcon: Emcon, silence: Silence, is_first: bool) -> Finding:
        """A silence that begins so soon was announced before, or too late."""
        account, source = booked.account, booked.frame.source
        told = f"EMCON {emcon.serial} announces a silence {emcon.from_s} s ahead, and nothing was announced before"
        first = self._not_yet(account, emcon.serial)
        if first is not None and silence.begin_late_ns - first.early_ns < self.notice_ns:
            notice_s = (silence.begin_late_ns - first.early_ns) / NS_PER_S
            finding = self._breach(booked, told, (first.id, booked.id), notice_s, self.terms.notice_s)
            finding = self.world.unless_troubled(finding, first.early_ns, booked.late_ns, source)
            return self._unless_anew(finding, account)
        if is_first and self._heard_since(booked, silence.begin_late_ns - self.notice_ns):
            finding = self._breach(booked, told, (booked.id,), emcon.from_s, self.terms.notice_s)
            finding = self.world.unless_troubled(finding, booked.early_ns - self.notice_ns, booked.late_ns, source)
            return self._unless_anew(finding, account)
        finding = self._finding(Outcome.INCONCLUSIVE, booked, (booked.id,), emcon.from_s, self.terms.notice_s)
        finding = finding._replace(
            summary=f"EMCON {emcon.serial} announces a silence {emcon.from_s} s ahead, maybe not for the first time"
        )
        return self.world.unheard(finding, booked.early_ns - self.notice_ns, booked.late_ns, source)

    def _unless_anew(self, finding: Finding, account: Account) -> Finding:
        """No fail if another session of the station, or this one, was heard not long before this one began: what it
        announced there may still hold, and be said again. The books have dropped those of long before."""
        others = (a for a in self.world.accounts.values() if a.source == account.source and a is not account)
        if finding.outcome is not Outcome.FAIL or not (account.continues or any(others)):
            return finding
        return finding._replace(
            outcome=Outcome.INCONCLUSIVE,
            summary=f"{finding.summary} in this session; but it may have been in the one before",
            cause=Cause.STATE_UNHEARD,
            assumptions=(),
        )

    @staticmethod
    def _heard_since(booked: Booked, since_ns: int) -> bool:
        """Whether every frame of the session was heard, and it began before an instant: one that began later may only
        repeat what was announced in the session before."""
        account = booked.account
        return begins(account) and account.named[0].at_ns < since_ns and not account.unheard_between(0, booked.number)

    def _not_yet(self, account: Account, serial: int) -> Booked | None:
        """The last POSITION before which a serial surely had not been announced: it names none, or an earlier one."""
        reported = self.reported.get(account)
        position = None
        if reported is not None:
            position = reported.other if reported.emcon == serial else reported.last
        if position is None:
            return None
        named = _position(position).emcon
        return position if named == 0 or 0 < (serial - named) % SERIALS <= SERIALS // 2 else None

    # ------------------------------------------------------------------ how it ends

    def _heard(self, booked: Booked) -> Iterator[Finding]:
        """A frame of an aircraft that has announced a silence."""
        some = self.announced[booked.account]
        for announced in some.values():
            if announced.over:
                continue
            silence = announced.silence
            if announced.after is None:
                end_ns = self._end_ns(silence, some)
                if booked.late_ns < silence.end_early_ns:
                    announced.before = booked
                    continue
                if booked.early_ns <= end_ns + self.limit_ns:
                    announced.over = True
                    late_s = max(booked.at_ns - end_ns, 0) / NS_PER_S
                    yield self._finding(Outcome.PASS, booked, (silence.booked.id, booked.id), late_s, self.limit_s)
                    continue
                announced.after = booked
            if isinstance(booked.frame.message, Position):
                announced.over = True
                yield from self._overrun(announced, announced.after, booked, self._end_ns(silence, some))

    def _end_ns(self, silence: Silence, some: dict[int, _Announced]) -> int:
        """When a silence is over, at the latest, with those that follow it at once."""
        end_ns = silence.end_late_ns
        for other in sorted((a.silence for a in some.values()), key=_begins):
            if other.begin_early_ns <= end_ns + self.limit_ns:
                end_ns = max(end_ns, other.end_late_ns)
        return end_ns

    def _overrun(self, announced: _Announced, after: Booked, report: Booked | None, end_ns: int) -> Iterator[Finding]:
        """The first frame after the silence came too late; `report`: the first POSITION since, which may be it."""
        account, silence, before = after.account, announced.silence, announced.before
        serial, reported = silence.emcon.serial, self.reported.get(account)
        last = reported.last if reported else None
        if not (self._is_due(last) and self._is_due(report)):
            return
        known = silence.booked.number
        if last is not None and reported is not None and reported.emcon == serial:
            known = max(known, last.number)
        names_it = report is after and _position(report).emcon == serial
        late_s = (after.early_ns - end_ns) / NS_PER_S
        evidence = tuple(dict.fromkeys((silence.booked.id, before.id, after.id)))
        told = (
            f"nothing of it was heard until {late_s:.1f} s after the end of the silence that EMCON {serial} announced"
        )
        holes = account.unheard_between(before.number if names_it else min(known, before.number), after.number)
        cause: Cause | None = None
        if holes:
            cause = self.world.why_unheard(before.at_ns, after.at_ns, account.source)
        elif report is None:
            cause = Cause.NOT_HEARD_AGAIN  # by no POSITION: it may have landed in the silence
        elif last is not None and not self._stayed(last, report):
            cause = Cause.AREA_EDGE
        if cause is not None:
            finding = self._finding(Outcome.INCONCLUSIVE, after, evidence, late_s, self.limit_s, cause)
            finding = finding._replace(summary=f"{told}; {holes} of its frames were not heard" if holes else told)
            yield self.world.with_losses(finding, before.at_ns, after.at_ns, account.source)
            return
        finding = self._breach(
            after, f"{told}, and none of its frames is missing there", evidence, late_s, self.limit_s
        )
        finding = finding._replace(assumptions=(*finding.assumptions, STAYED_UP))
        yield self.world.unless_troubled(finding, before.early_ns, after.late_ns, account.source)

    def _is_due(self, report: Booked | None) -> bool:
        """Whether a POSITION says nothing else than that 4.1 asks for the next."""
        if report is None:
            return True
        position = _position(report)
        return position.airborne and in_area(position, self.world.annexes.area)

    def _stayed(self, a: Booked, b: Booked) -> bool:
        area = self.world.annexes.area
        return stayed_inside(_position(a), _position(b), b.late_ns - a.early_ns, area, FASTEST_MPS)

    def _breach(
        self, booked: Booked, summary: str, evidence: tuple[str, ...], measured: float, limit: float
    ) -> Finding:
        finding = self._finding(Outcome.FAIL, booked, evidence, measured, limit)
        return finding._replace(summary=summary, assumptions=(*BY_WORD, CLOCK))

    def _finding(
        self,
        outcome: Outcome,
        booked: Booked,
        evidence: tuple[str, ...],
        measured: float,
        limit: float,
        cause: Cause | None = None,
    ) -> Finding:
        return Finding(
            clause=self.id,
            subject=address_text(booked.frame.source),
            outcome=outcome,
            at_ns=booked.at_ns,
            evidence=evidence,
            cause=cause,
            measured=round(measured, 3),
            limit=limit,
            unit="s",
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from self._left_open(self.announced.items(), end_ns)

    def _left_open(
        self, announcements: Iterable[tuple[Account, dict[int, _Announced]]], end_ns: int
    ) -> Iterator[Finding]:
        for account, some in announcements:
            for announced in some.values():
                over_ns = self._end_ns(announced.silence, some)
                if announced.after is not None and not announced.over:
                    yield from self._overrun(announced, announced.after, None, over_ns)
                elif not announced.over and end_ns <= over_ns + self.limit_ns:
                    yield Finding(self.id, address_text(account.source), Outcome.PENDING, end_ns)


def _begins(silence: Silence) -> int:
    return silence.begin_early_ns


def _position(booked: Booked) -> Position:
    assert isinstance(booked.frame.message, Position)
    return booked.frame.message
