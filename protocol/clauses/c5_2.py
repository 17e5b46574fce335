"""5.2: the INTENT comes before the manoeuvre, whatever it says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import cos, radians
from typing import NamedTuple

from protocol.accounts import SERIALS, Account, Booked
from protocol.bounds import VELOCITY_BOUND_MPS, in_area
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, OWN_DISTRESS, World, address_text, unless_suspended
from protocol.messages import EmergencyState, Intent, IntentKind, Position
from protocol.paths import spread_deg, track_deg, turn_deg
from protocol.terms import ManoeuvreTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import BOUNDS, CLOCK, Cause, Finding, Outcome, Passes

STRAIGHT = frozenset({IntentKind.TRANSIT, IntentKind.RETURN, IntentKind.CLIMB, IntentKind.DESCEND})
"""Declared manoeuvres that keep the track."""
WAIT_NS = 300 * NS_PER_S
"""For so long the new INTENT may be heard yet, and show that it was no avoidance."""
ONE_LINE_DEG = 5.0
"""A line between two points is a track so nearly, by whatever map."""
SAID = 4
"""Serials whose INTENTs are remembered."""


class _Said(NamedTuple):
    """What an INTENT declares of the track: None if nothing that can be judged."""

    number: int
    track_deg: float | None
    id: str


@dataclass(slots=True)
class _Change:
    """From serial `before.frame.intent` to the one that `first` names. `tracks`: None if the old one was not heard."""

    before: Booked
    first: Booked
    tracks: list[_Said] | None
    flown: Booked | None = None
    """The last POSITION that flew as the old one says: since then it has turned."""
    heard: Booked | None = None
    """A POSITION in the time that is judged, and by how much it has surely turned."""
    turned_deg: float = 0.0


@dataclass(slots=True)
class _Flight:
    """One session: its last frame, what its INTENTs say, and whether it was seen to fly as the one in force does."""

    account: Account
    last: Booked
    said: dict[int, list[_Said]] = field(default_factory=dict)
    flown: Booked | None = None
    """The first POSITION that did."""
    change: _Change | None = None


class IntentFirst:
    id = "5.2"
    title = "intent first"
    text = "A turn of more than {turn_deg:g} deg is declared by a new INTENT at least {notice_s:g} s before it."
    instance = "each change to the next serial, if what was in force before declared a straight flight"
    proof = (
        "A report that names the new serial has surely turned away from the track of the old INTENT, sooner than the "
        "notice after the last frame that named the old one: the new one cannot have come before that."
    )
    limits = (
        "The track that an INTENT gives is taken for a straight flight unless its two points turn away from it, and a "
        "report must have been seen that flew it: who never did broke 5.3. What is said of a serial that was named "
        "before is no news; an INTENT is in force from when it is sent, so of one that its sender names only later it "
        "is asked that it was heard. An emergency since the last report that flew the old track, or one that may have "
        "been, excuses the turn."
    )
    suspended_by = OWN_DISTRESS
    kind = "S"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: ManoeuvreTerms):
        self.world, self.terms = world, terms
        self.notice_ns = seconds_ns(terms.notice_s)
        self.flights: dict[int, _Flight] = {}

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        frame = booked.frame
        flight = self.flights.get(frame.source)
        if flight is None or flight.account is not booked.account:
            return self._begin(flight, booked)
        message, last = frame.message, flight.last
        flight.last = booked
        found: Iterable[Finding] = ()
        if frame.intent != last.frame.intent:
            found = self._change(flight, last, booked)
        if isinstance(message, Intent):
            _remember(flight, booked, message)
        if flight.flown is None and isinstance(message, Position):
            tracks = _tracks(flight, frame.intent, booked.number)
            flight.flown = booked if tracks and self._flies(tracks, booked) else None
        return found if flight.change is None else (*found, *self._within(flight, flight.change, booked))

    def _flies(self, tracks: list[_Said], report: Booked) -> bool:
        """Whether a POSITION surely flies one of these tracks."""
        message = report.frame.message
        return isinstance(message, Position) and _off_deg(tracks, message)[1] <= self.terms.turn_deg

    def _begin(self, ended: _Flight | None, booked: Booked) -> Iterable[Finding]:
        """A session that was not heard before, or not lately."""
        if booked.frame.source not in self.world.flies:
            return ()
        flight = self.flights[booked.frame.source] = _Flight(booked.account, booked)
        if isinstance(booked.frame.message, Intent):
            _remember(flight, booked, booked.frame.message)
        return tuple(self._settle(ended, booked.at_ns)) if ended else ()

    def _change(self, flight: _Flight, last: Booked, booked: Booked) -> Iterable[Finding]:
        """A frame names another serial than the one before."""
        found = tuple(self._settle(flight, booked.at_ns))
        old, new, flown = last.frame.intent, booked.frame.intent, flight.flown
        flight.flown = None
        said_before = any(booked.number - said.number < SERIALS for said in flight.said.get(new, ()))
        if not old or not new or said_before:
            return found
        tracks = _tracks(flight, old, last.number) if new == old % 255 + 1 else None
        if tracks is None or (tracks and flown):
            flight.change = _Change(last, booked, tracks, flown)
        elif tracks:
            flight.change = _Change(last, booked, [])
        return found

    def _within(self, flight: _Flight, change: _Change, booked: Booked) -> Iterable[Finding]:
        """A frame that names the new serial."""
        message = booked.frame.message
        if booked.late_ns - change.before.early_ns > self.notice_ns:
            waits = change.turned_deg and booked.at_ns - change.first.at_ns < WAIT_NS
            if waits and change.heard and self._suspended(change.heard) is None:
                return ()
            return tuple(self._settle(flight, booked.at_ns))
        if not isinstance(message, Position) or not message.airborne:
            return ()
        if not in_area(message, self.world.annexes.area) or change.turned_deg:
            return ()
        change.heard = change.heard or booked
        turned_deg = _off_deg(change.tracks or [], message)[0]
        if turned_deg > self.terms.turn_deg:
            change.heard, change.turned_deg = booked, turned_deg
            reports = reversed(booked.account.reports)
            change.flown = next((r for r in reports if self._flies(change.tracks or [], r)), change.flown)
        return ()

    @staticmethod
    def _suspended(booked: Booked) -> bool | None:
        return booked.account.suspended(booked.number, booked.number)

    def _settle(self, flight: _Flight, at_ns: int) -> Iterator[Finding]:
        change, flight.change = flight.change, None
        if change is None or change.heard is None:
            return
        heard, source = change.heard, change.heard.frame.source
        old, new = change.before.frame.intent, change.first.frame.intent
        seconds = round(max(heard.late_ns - change.before.early_ns, 0) / NS_PER_S, 3)
        finding = Finding(self.id, address_text(source), Outcome.PASS, heard.at_ns)
        if change.tracks is None:
            told = (
                f"INTENT {old} was not heard" if new == old % 255 + 1 else f"INTENTs between {old} and {new} were not"
            )
            finding = finding._replace(
                outcome=Outcome.INCONCLUSIVE,
                cause=Cause.STATE_UNHEARD,
                summary=f"it went over to INTENT {new}, but {told}",
                evidence=(change.before.id, change.first.id),
            )
            finding = self.world.with_losses(finding, change.before.at_ns, change.first.at_ns, source)
            yield unless_suspended(finding, self._suspended(heard) or False)
        elif change.turned_deg:
            finding = finding._replace(
                outcome=Outcome.FAIL,
                summary=f"turned by at least {change.turned_deg:.0f} deg from the track of INTENT {old}, which was in "
                f"force until at most {seconds:g} s before",
                evidence=(change.tracks[0].id, change.before.id, change.first.id, heard.id),
                measured=seconds,
                limit=self.terms.notice_s,
                unit="s",
                assumptions=(*BY_WORD, CLOCK, BOUNDS),
            )
            # an emergency may have made it turn, and be over
            since = change.flown or change.before
            finding = unless_suspended(finding, heard.account.suspended(since.number, heard.number))
            # who was in trouble may not have been able to declare in time
            yield self.world.unless_troubled(finding, change.before.early_ns, heard.late_ns, source)
        elif _in_distress(heard, new):
            yield finding._replace(outcome=Outcome.EXCUSED, cause=Cause.DISTRESS)
        else:
            yield finding

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for flight in self.flights.values():
            yield from self._settle(flight, end_ns)


def _off_deg(tracks: list[_Said], position: Position) -> tuple[float, float]:
    """By how much at least, and at most, a report is off the one of these tracks that is nearest to its own."""
    if position.velocity_north_mps is None or position.velocity_east_mps is None or not position.nacv or not tracks:
        return 0.0, 180.0
    velocity = position.velocity_north_mps, position.velocity_east_mps
    track, spread = track_deg(velocity), spread_deg(velocity, VELOCITY_BOUND_MPS[position.nacv])
    off = min(abs(turn_deg(said.track_deg, track)) for said in tracks if said.track_deg is not None)
    return max(off - spread, 0.0), off + spread


def _in_distress(booked: Booked, serial: int) -> bool:
    declared, message = booked.account.intent(serial, booked.number), booked.frame.message
    avoids = declared is not None and declared.kind is IntentKind.AVOID
    return avoids or (isinstance(message, Position) and message.emergency is not EmergencyState.NONE)


def _remember(flight: _Flight, booked: Booked, intent: Intent) -> None:
    track = intent.track_deg if intent.kind in STRAIGHT and is_one_line(intent) else None
    said = [s for s in flight.said.pop(intent.serial, ()) if booked.number - s.number < SERIALS]
    said = [s for s in said if s.track_deg != track]
    flight.said[intent.serial] = [*said, _Said(booked.number, track, booked.id)]
    if len(flight.said) > SAID:
        del flight.said[next(iter(flight.said))]


def is_one_line(intent: Intent) -> bool:
    """Whether its points, if it gives both, lie on the track; else it turns at the first of them, as declared."""
    a, b = intent.first, intent.second
    if a is None or b is None or intent.track_deg is None:
        return True
    east = (b.longitude_deg - a.longitude_deg + 180) % 360 - 180
    way = b.latitude_deg - a.latitude_deg, east * cos(radians((a.latitude_deg + b.latitude_deg) / 2))
    return way == (0.0, 0.0) or abs(turn_deg(intent.track_deg, track_deg(way))) <= ONE_LINE_DEG


def _tracks(flight: _Flight, serial: int, number: int) -> list[_Said] | None:
    """The tracks that the INTENTs of a serial gave; empty if not all of them give one, None if none was heard."""
    said = [s for s in flight.said.get(serial, ()) if number - s.number < SERIALS]
    if not said:
        return None
    return said if all(s.track_deg is not None for s in said) else []
