"""6.5: a predicted loss of the safe distance is acted on, by the one that has the other on its right."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from protocol.accounts import SERIALS, Account, Booked, serials_passed
from protocol.bounds import Fix, left_area
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, OWN_DISTRESS, World, address_text, opposed, unless_suspended
from protocol.clauses.c5_2 import is_one_line
from protocol.clauses.declared import differs
from protocol.clauses.words import asks, heard_every_word, is_word
from protocol.messages import Ack, Ident, Intent, IntentKind, MessageType, Position, Watch
from protocol.paths import Ahead, ahead, lost_height_s, lost_s, spread_deg, track_deg, turn_deg
from protocol.terms import ConflictTerms
from protocol.units import FT_M, NM_M, NS_PER_S, seconds_ns
from protocol.unsent import calls_from_ns
from protocol.verdicts import BOUNDS, CLOCK, Cause, Finding, Outcome, Passes

REPORTS = 8
"""POSITIONs remembered of an aircraft; one that knows of none of them is not up to date."""
FRESH_NS = 5 * NS_PER_S
"""Older reports predict nothing."""
AWAY_DEG = 20.0
"""Who declares a track further off than this from the flown one has declared to turn away."""
LEVEL = frozenset({IntentKind.TRANSIT, IntentKind.RETURN})
AT_IT_FT = 300.0
"""Who is no further from the altitude that it has selected is at it."""
UNKNOWN = -1
SAID = 4
"""Serials whose INTENTs are remembered."""


@dataclass(slots=True)
class _Duty:
    """From the WATCH that proves that `x` knows of the prediction; `named`: the serials that it named since."""

    x: Account
    y: Account
    watch: Booked
    fixes: tuple[Fix, Fix]
    intent: Intent
    lost_ns: int
    due_ns: int
    last: Booked
    named: list[tuple[int, bool]] = field(default_factory=list)
    """Each with whether it was certainly in time; those that certainly were not are left out."""
    after: dict[Account, Booked] = field(default_factory=dict)
    """The first POSITION of each of the two after the deadline."""
    settled: bool = False


@dataclass(slots=True)
class _Pilot:
    """What is remembered of an aircraft, in its present session and of its calls."""

    account: Account
    previous: Account | None
    fixes: deque[Fix] = field(default_factory=lambda: deque(maxlen=REPORTS))
    said: dict[int, tuple[int, Intent]] = field(default_factory=dict)
    called: dict[int, Booked] = field(default_factory=dict)
    """Its last HAIL to each, or WILCO, in whatever session."""
    mine: list[_Duty] = field(default_factory=list)
    theirs: list[_Duty] = field(default_factory=list)
    """Duties that are its own, and those of others towards it, that may not be settled yet."""
    known: set[Account] = field(default_factory=set)
    """With whom a loss of distance is predicted, and was judged or is."""


class ActsOnConflict:
    id = "6.5"
    title = "conflicts acted on"
    text = (
        "A loss of the safe distance predicted no more than {look_s:g} s ahead is acted on by the aircraft that has "
        "the other on its right: within {limit_s:g} s, or until {before_s:g} s before."
    )
    instance = "each prediction that an aircraft is proved to know of, for the one with the other on its right"
    proof = (
        "Its own WATCH proves that it knew; both report after the deadline that the loss still is predicted, and every "
        "HAIL, ACK and INTENT that could have been its action was heard, and none was."
    )
    limits = (
        "Heights are taken for kept where both have declared level flight and are at the altitudes that they selected; "
        "else the bound of NACv makes a loss of 1,000 ft sure for 11 s ahead at most at NACv 2. Every HAIL since "
        "`look_s` before the WATCH must be accounted for, and every ACK since the other can first have asked for "
        "something. To be called by the other is no action; to say WILCO is one, and so is what was declared anew "
        "before the proof. Who climbs or descends has perhaps declared that. If the other declares before the deadline "
        "that it turns away, nothing is owed any more."
    )
    suspended_by = OWN_DISTRESS
    kind = "A"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: ConflictTerms):
        self.world, self.terms = world, terms
        distance = world.agreement.clause.c6_1
        assert distance, "the agreement's own validation asks for 6.1"
        self.level_m, self.height_m = distance.safe_distance_nm * NM_M, distance.safe_altitude_ft * FT_M
        self.altimetry_m = world.agreement.bounds.altimetry_ft * FT_M
        self.look_ns = seconds_ns(terms.look_s)
        self.pilots: dict[int, _Pilot] = {}

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        pilot = self.pilots.get(source)
        if pilot is None or pilot.account is not booked.account:
            if source not in self.world.flies:
                return ()
            found = tuple(self._ended(pilot)) if pilot else ()
            called = pilot.called if pilot else {}
            pilot = self.pilots[source] = _Pilot(booked.account, pilot.account if pilot else None, called=called)
            return (*found, *self._take(pilot, booked, message))
        return self._take(pilot, booked, message)

    def _take(self, pilot: _Pilot, booked: Booked, message: object) -> Iterable[Finding]:
        if isinstance(message, Ack) and message.answers_type is MessageType.HAIL:
            self._was_called(booked, message)
        if isinstance(message, Position):
            fix = self.world.fix_of(booked)
            if not message.airborne or left_area(message, self.world.annexes.area):
                self._gone(pilot)
            elif fix is not None:
                pilot.fixes.append(fix)
        elif isinstance(message, Intent):
            pilot.said.pop(message.serial, None)
            pilot.said[message.serial] = booked.number, message
            if len(pilot.said) > SAID:
                del pilot.said[next(iter(pilot.said))]
        elif is_word(message, pilot.account.source, self.world) and message.addressee in self.world.flies:
            pilot.called[message.addressee] = booked
        elif isinstance(message, Watch):
            if message.report is not None and pilot.fixes:
                found = tuple(self._know(pilot, booked, message))
                return (*found, *self._go_on(pilot, booked)) if pilot.mine else found
        elif isinstance(message, Ident) and message.sign_off:
            self._gone(pilot)
        return tuple(self._go_on(pilot, booked)) if pilot.mine or pilot.theirs else ()

    def _was_called(self, booked: Booked, ack: Ack) -> None:
        """An answer proves a call that may not have been heard."""
        caller = self.pilots.get(ack.addressee)
        for duty in caller.mine if caller else ():
            if duty.y is booked.account:
                duty.settled = True

    @staticmethod
    def _gone(pilot: _Pilot) -> None:
        """Who has landed, left or signed off keeps no distance, and nobody from it."""
        pilot.fixes.clear()
        pilot.known.clear()
        for duty in (*pilot.mine, *pilot.theirs):
            duty.settled = True

    def _ended(self, pilot: _Pilot) -> Iterator[Finding]:
        """A session began anew: what it did last in the one before is not known."""
        for duty in (*pilot.mine, *pilot.theirs):
            if not duty.settled:
                yield self._unsure(duty, duty.last.at_ns, Cause.FRAME_LOST)

    # ------------------------------------------------------------ the prediction

    def _know(self, pilot: _Pilot, booked: Booked, watch: Watch) -> Iterator[Finding]:
        """A WATCH proves what its source has heard of a peer: whether it must see a loss of distance coming."""
        report = watch.report
        assert report is not None
        peer = self.pilots.get(report.peer)
        if peer is None or peer.account.session != report.session or peer.account.continues:
            return
        if peer.account.last_number > 0xFFFF:
            return  # its numbers went round, and an old report may name those of the round before
        if not opposed(self.world.stations[booked.frame.source], self.world.stations[report.peer]):
            return
        x = pilot.fixes[-1]
        y = next((f for f in reversed(peer.fixes) if report.heard(f.booked.number & 0xFFFF)), None)
        if y is None or booked.at_ns - min(x.at_ns, y.at_ns) > FRESH_NS:
            return
        mine, its = self._straight(pilot, x), self._straight(peer, y)
        predicted = self._predicted(x, y, mine, its)
        if predicted is None:
            pilot.known.discard(peer.account)
            return
        if mine is None or its is None or peer.account in pilot.known or not _on_its_right(x, predicted[0]):
            return
        pilot.known.add(peer.account)
        lost_ns = predicted[0].at_ns + seconds_ns(predicted[1])
        due_ns = max(booked.late_ns + seconds_ns(self.terms.limit_s), lost_ns - seconds_ns(self.terms.before_s))
        duty = _Duty(booked.account, peer.account, booked, (x, y), mine, lost_ns, due_ns, booked)
        if self._has_called(pilot, report.peer, duty):
            yield self._acted(duty, pilot.called[report.peer])
            return
        duty.named += self._said_before(pilot, x, mine.serial)
        if booked.frame.intent != x.booked.frame.intent:
            duty.named.append((booked.frame.intent, True))
        pilot.mine.append(duty)
        peer.theirs.append(duty)

    def _predicted(self, x: Fix, y: Fix, mine: Intent | None, its: Intent | None) -> tuple[Ahead, float] | None:
        """The two carried on, and in how many seconds they have surely lost their distance.

        What a report says of climbing holds for some seconds; that both stay at their heights they have declared.
        """
        height: tuple[float, float] | None = (0.0, self.terms.look_s)
        if not self._stay_near(x, y, mine, its):
            height = lost_height_s(x, y, self.height_m, self.altimetry_m)
        if height is None or (on := ahead(x, y)) is None:
            return None
        seconds = lost_s(on, height, self.level_m, self.terms.look_s)
        return None if seconds is None else (on, seconds)

    def _stay_near(self, x: Fix, y: Fix, mine: Intent | None, its: Intent | None) -> bool:
        """Whether both have declared level flight, are at the altitudes that they have selected, and these are near."""
        selected = []
        for fix, intent in ((x, mine), (y, its)):
            if intent is None or intent.kind not in LEVEL or intent.selected_altitude_ft is None:
                return False
            selected_m = intent.selected_altitude_ft * FT_M
            if fix.altitude_m is None or abs(fix.altitude_m - selected_m) + self.altimetry_m > AT_IT_FT * FT_M:
                return False
            selected.append(selected_m)
        return abs(selected[0] - selected[1]) + 2 * self.altimetry_m < self.height_m

    def _straight(self, pilot: _Pilot, fix: Fix) -> Intent | None:
        """The INTENT that a report names, if it was heard and does not turn away from what is flown."""
        known = pilot.said.get(fix.booked.frame.intent)
        if known is None or abs(fix.booked.number - known[0]) >= SERIALS or known[1].kind not in LEVEL:
            return None  # who climbs or descends may have declared so because of it
        if not is_one_line(known[1]):
            return None
        declared = known[1].track_deg
        if declared is None:
            return known[1]
        flown = fix.north_mps, fix.east_mps
        off = abs(turn_deg(declared, track_deg(flown))) + spread_deg(flown, fix.velocity_m or 0.0)
        return known[1] if off <= AWAY_DEG else None

    def _said_before(self, pilot: _Pilot, x: Fix, serial: int) -> list[tuple[int, bool]]:
        """The serial before the one in force, which may be the action; `UNKNOWN` if a session before may have it."""
        since_ns, first = x.at_ns - self.look_ns, pilot.account.named[0]
        if pilot.previous is not None and pilot.previous.last_at_ns > since_ns:
            return [(UNKNOWN, True)]
        is_first = serial == 1 and (first.number == 0 or self._is_young(x.booked))
        if is_first or (first.serial == serial and first.at_ns < since_ns):
            return []
        return [((serial - 2) % SERIALS + 1, True)]

    @staticmethod
    def _is_young(booked: Booked) -> bool:
        """Whether its session surely sent so few frames that no serial came round again."""
        account = booked.account
        begun = not account.continues and account.counts[0].chain == 0
        return begun and booked.number < SERIALS

    def _has_called(self, pilot: _Pilot, address: int, duty: _Duty) -> bool:
        call = pilot.called.get(address)
        since_ns = duty.watch.early_ns - self.look_ns
        return call is not None and call.late_ns >= since_ns and call.early_ns <= duty.due_ns

    # ------------------------------------------------------------ what is done about it

    def _go_on(self, pilot: _Pilot, booked: Booked) -> Iterator[Finding]:
        """A frame of an aircraft with duties, its own or towards it."""
        message = booked.frame.message
        for duty in pilot.mine:
            if not duty.settled and duty.watch is not booked:
                yield from self._does(pilot, duty, booked, message)
        if isinstance(message, Position):
            for duty in (*pilot.mine, *pilot.theirs):
                if not duty.settled and booked.early_ns > duty.due_ns:
                    duty.after.setdefault(booked.account, booked)
                    if len(duty.after) == 2:
                        yield from self._judge(duty, booked)
        pilot.mine = [d for d in pilot.mine if not d.settled]
        pilot.theirs = [d for d in pilot.theirs if not d.settled]

    def _does(self, pilot: _Pilot, duty: _Duty, booked: Booked, message: object) -> Iterator[Finding]:
        in_time, last = booked.early_ns <= duty.due_ns, duty.last
        duty.last = booked
        if is_word(message, duty.x.source, self.world) and message.addressee == duty.y.source and in_time:
            yield self._acted(duty, booked)
            return
        serial = booked.frame.intent
        if serial != last.frame.intent:
            unheard = booked.account.unheard_between(last.number, booked.number) > 0
            if in_time or unheard:  # one that was not heard may have said so before
                passed = serials_passed(last.frame.intent, serial)
                duty.named += [(s, in_time) for s in passed if s != last.frame.intent]
        if (isinstance(message, Intent) or serial != last.frame.intent) and any(
            in_time and self._is_new(pilot, duty, s, booked) for s, in_time in duty.named
        ):
            yield self._acted(duty, booked)

    def _is_new(self, pilot: _Pilot, duty: _Duty, serial: int, booked: Booked) -> bool | None:
        """Whether a serial says something else than the one before; None if its INTENT was not heard."""
        known = pilot.said.get(serial)
        if known is None or abs(booked.number - known[0]) >= SERIALS:
            return None
        return differs(duty.intent, known[1])

    def _acted(self, duty: _Duty, by: Booked) -> Finding:
        return self._settle(duty, Outcome.PASS, by.at_ns, (by.id,), max(by.at_ns - duty.watch.at_ns, 0))

    # ------------------------------------------------------------ the verdict

    def _judge(self, duty: _Duty, booked: Booked) -> Iterator[Finding]:
        """Both have reported after the deadline, and no action was heard."""
        x, y = (self.world.fix_of(duty.after[account]) for account in (duty.x, duty.y))
        if x is None or y is None:
            yield self._unsure(duty, booked.at_ns, Cause.NO_BOUND)
            return
        mine, its = (self._straight(self.pilots[fix.booked.frame.source], fix) for fix in (x, y))
        declared = y.booked.frame.intent in self.pilots[duty.y.source].said
        if self._predicted(x, y, mine, its) is None or (its is None and declared):
            duty.settled = True  # it does not fly on, or has said that it will not
            return
        if its is None:
            yield self._unsure(duty, booked.at_ns, Cause.FRAME_LOST)
            return
        pilot, since_ns = self.pilots[duty.x.source], duty.watch.early_ns - self.look_ns
        if any(self._is_new(pilot, duty, serial, booked) is not False for serial, _ in duty.named):
            yield self._unsure(duty, booked.at_ns, Cause.FRAME_LOST)
            return
        asked_ns = self._asked_from_ns(duty, since_ns)
        accounts = [a for a in (duty.x, pilot.previous) if a and a.last_at_ns >= since_ns]
        if not all(heard_every_word(account, since_ns, asked_ns) for account in accounts):
            yield self._unsure(duty, booked.at_ns, Cause.FRAME_LOST)
            return
        ids = tuple(duty.after[account].id for account in (duty.x, duty.y))
        finding = self._settle(duty, Outcome.FAIL, booked.at_ns, ids, booked.at_ns - duty.watch.at_ns)
        last = duty.after[duty.x].number
        finding = unless_suspended(finding, duty.x.suspended(duty.fixes[0].booked.number, last))
        both = duty.x.source, duty.y.source
        yield self.world.unless_troubled(finding, duty.watch.early_ns, booked.late_ns, *both)

    def _asked_from_ns(self, duty: _Duty, since_ns: int) -> int | None:
        """From when on, of the time after an instant, the other can have asked it for something; None: it has not."""
        peer = self.pilots[duty.y.source]
        if peer.account is not duty.y or (peer.previous is not None and peer.previous.last_at_ns >= since_ns):
            return since_ns
        return calls_from_ns(duty.y, since_ns, duty.y.last_number, partial(asks, addressee=duty.x.source))

    def _unsure(self, duty: _Duty, at_ns: int, cause: Cause) -> Finding:
        finding = self._settle(duty, Outcome.INCONCLUSIVE, at_ns, (), at_ns - duty.watch.at_ns)
        if cause is not Cause.FRAME_LOST:
            return finding._replace(cause=cause)
        return self.world.unheard(finding, duty.watch.early_ns, at_ns, duty.x.source, duty.y.source)

    def _settle(self, duty: _Duty, outcome: Outcome, at_ns: int, ids: tuple[str, ...], took_ns: int) -> Finding:
        duty.settled = True
        other, ahead_s = address_text(duty.y.source), (duty.lost_ns - duty.watch.at_ns) / NS_PER_S
        told = (
            f"its WATCH proves that it knew of {other} on its right, with the safe distance lost in {ahead_s:.0f} s; "
        )
        told += {
            Outcome.FAIL: "it neither called, nor said WILCO, nor declared anything new",
            Outcome.INCONCLUSIVE: "no call and no new INTENT was heard",
        }.get(outcome, "")
        return Finding(
            clause=self.id,
            subject=address_text(duty.x.source),
            outcome=outcome,
            at_ns=at_ns,
            summary=told if outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE) else "",
            evidence=(*(fix.booked.id for fix in duty.fixes), duty.watch.id, *ids),
            measured=round(took_ns / NS_PER_S, 3),
            limit=round((duty.due_ns - duty.watch.late_ns) / NS_PER_S, 3),
            unit="s",
            assumptions=(*BY_WORD, CLOCK, BOUNDS) if outcome is Outcome.FAIL else (),
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for pilot in self.pilots.values():
            for duty in pilot.mine:
                if duty.settled:
                    continue
                if end_ns <= duty.due_ns:
                    yield Finding(self.id, address_text(duty.x.source), Outcome.PENDING, end_ns)
                else:
                    yield self._unsure(duty, end_ns, Cause.FRAME_LOST)


def _on_its_right(x: Fix, on: Ahead) -> bool:
    """Whether the other surely is on the right of an aircraft's track."""
    flown = x.north_mps, x.east_mps
    spread = spread_deg(on.line, on.error_m) + spread_deg(flown, x.velocity_m or 0.0)
    return spread < turn_deg(track_deg(flown), track_deg(on.line)) < 180.0 - spread
