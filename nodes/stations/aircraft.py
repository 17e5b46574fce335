"""An aircraft that keeps the agreement, crewed or not: it reports, identifies itself, keeps an intent in force,
watches, calls inside the contact ring, and answers. Sans-I/O; its own geometry, not the judge's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import cos, hypot, radians

import numpy as np

from nodes.motion import Kinematics
from nodes.stations.effects import Effect, Hearing, NewSession, Send, WakeAt
from nodes.stations.ledger import Around, Ledger, Overheard, Roster
from protocol.agreement import Agreement
from protocol.messages import (
    NOBODY,
    Ack,
    Emitter,
    FrameKey,
    Hail,
    Ident,
    Intent,
    IntentKind,
    MessageType,
    Phrase,
    Position,
    Result,
    TrajectoryPoint,
    Watch,
)
from protocol.units import NM_M, NS_PER_S, seconds_ns

INTENT_EVERY_S = 10
INTENT_VALID_S = 120
INTENT_RENEW_S = 60
WATCH_EVERY = 2
"""A WATCH with every second report."""
PEER_FORGOTTEN_NS = 30 * NS_PER_S
CALL_AGAIN_AFTER_NS = 1 * NS_PER_S
"""How long after the time for an answer a call is repeated: the answer's own slot may still come."""
RING_SLACK = 1.02
"""Call a little before the ring: the other's instruments may differ."""
METRES_A_DEGREE = 111_195
UNSURE = 1e-6
"""Who is so near the ring, as a share of its radius, is looked at more closely."""
LEAVES_IN_NS = 3 * NS_PER_S
"""Sign off so long before being gone."""
REMOTE_PILOT_NS = 2 * NS_PER_S
"""An uncrewed aircraft answers so much later: its pilot is on the ground, at the other end of a link."""

Sense = Callable[[int], Kinematics | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who an aircraft is and what it is told before it flies."""

    address: int
    call_sign: str
    party: str
    uncrewed: bool
    agreement: Agreement
    parties: dict[int, str]
    """The party of every station in the register, by address."""
    channel: int
    report_phase_ns: int
    """When in each report period it wakes to report."""
    avoid_ns: tuple[int, int] | None = None
    roster: Roster = field(default_factory=Roster)
    """The numbers by which what it overhears names stations."""


@dataclass(slots=True)
class _Call:
    """A call that waits for its answer."""

    call_id: int
    tries: int = 0
    again_ns: int = 0


@dataclass(slots=True)
class _Talk:
    """How the talking with a peer stands, in its session of that number."""

    life: int
    inside_since_ns: int | None = None
    contact: bool = False
    call: _Call | None = None


@dataclass(slots=True)
class _Plan:
    """The declaration in force."""

    serial: int = 0
    kind: IntentKind = IntentKind.TRANSIT
    until_ns: int = 0
    said_ns: int = -1 << 62


@dataclass(slots=True)
class _State:
    """Everything that changes in one session."""

    peers: Ledger
    reports: int = 0
    ident_ns: int = -1 << 62
    plan: _Plan = field(default_factory=_Plan)
    talks: dict[int, _Talk] = field(default_factory=dict)
    """By address; with most peers there is nothing to talk about."""
    receipt: FrameKey | None = None
    calls: int = 0
    next_report_on: int = 0
    answers: list[tuple[int, Send]] = field(default_factory=list)
    answered: set[tuple[int, int, int]] = field(default_factory=set)


class Aircraft:
    """A station of role `aircraft` or `uncrewed`. `sense` gives what its own instruments say at an instant."""

    def __init__(self, profile: Profile, sense: Sense):
        self._who, self._sense = profile, sense
        terms = profile.agreement.clause
        self._report_ns = seconds_ns(terms.c4_1.every_s if terms.c4_1 else 1.0)
        self._ident_ns = seconds_ns(terms.c1_4.every_s if terms.c1_4 else 20.0)
        self._contact, self._answer = terms.c6_2, terms.c6_3
        self._ring_m = self._contact.ring_nm * NM_M * RING_SLACK if self._contact else 0.0
        self._first = profile.party == profile.agreement.party[0].name
        self._digest = int(profile.agreement.digest()[:8], 16)
        self._guarded = frozenset(c.number for c in profile.agreement.channel)
        self._state: _State | None = None
        self._gone = False

    # ------------------------------------------------------------ what the driver calls

    def start(self, now_ns: int) -> Iterator[Effect]:
        yield WakeAt(self._next_report(now_ns))

    def wake(self, now_ns: int) -> Iterator[Effect]:
        if self._state:
            yield from self._due_answers(now_ns)
        if now_ns % self._report_ns != self._who.report_phase_ns:
            return
        yield WakeAt(self._next_report(now_ns + 1))
        here = self._sense(now_ns)
        if here is None:
            self._state, self._gone = None, False
            return
        if self._gone:
            return
        if self._state is None:
            self._state = _State(Ledger(self._who.roster, self._opposed))
            yield NewSession()
        if self._sense(now_ns + LEAVES_IN_NS) is None:
            self._gone = True
            yield self._ident(sign_off=True)
            return
        yield from self._report(now_ns, here, self._state)

    def hear(self, now_ns: int, hearing: Hearing) -> Iterator[Effect]:
        frame, message, state = hearing.frame, hearing.frame.message, self._state
        if state is None or self._gone:
            return
        life = int(state.peers.life[state.peers.hear(frame, now_ns)])
        if isinstance(message, Hail) and message.addressee == self._who.address:
            state.receipt = frame.key
            self._talk(frame.source, life, state).contact = True
            yield from self._answer_to(frame.key, message.call_id, now_ns, state)
        elif isinstance(message, Ack) and message.addressee == self._who.address:
            state.receipt = frame.key
            if message.answers_type is MessageType.HAIL:
                talk = self._talk(frame.source, life, state)
                talk.contact, talk.call = True, None

    @property
    def ledger(self) -> Ledger | None:
        """Where `overhear` keeps its account; None while it listens to nobody."""
        return self._state.peers if self._state is not None and not self._gone else None

    def will_ask(self, now_ns: int) -> Around | None:
        """What it will ask its ledger if it wakes then; None if nothing."""
        if self._contact is None or now_ns % self._report_ns != self._who.report_phase_ns:
            return None
        here = self._sense(now_ns)
        return _around(here, self._ring_m, now_ns) if here is not None and here.airborne else None

    def overhear(self, heard: Overheard) -> None:
        """The same as to hear each of these, which ask nothing of it; many times faster."""
        if (ledger := self.ledger) is not None:
            ledger.overhear(heard)

    # ------------------------------------------------------------ what it sends

    def _next_report(self, now_ns: int) -> int:
        return now_ns + (self._who.report_phase_ns - now_ns) % self._report_ns

    def _report(self, now_ns: int, here: Kinematics, state: _State) -> Iterator[Effect]:
        state.reports += 1
        yield Send(self._position(here, state), self._who.channel, now_ns)
        if now_ns - state.ident_ns >= self._ident_ns:
            state.ident_ns = now_ns
            yield self._ident(sign_off=False)
        yield from self._intent(now_ns, here, state.plan)
        yield from self._calls(now_ns, here, state)
        if state.reports % WATCH_EVERY == 0:
            yield Send(self._watch(now_ns, state), self._who.channel)

    def _position(self, here: Kinematics, state: _State) -> Position:
        return Position(
            latitude_deg=here.latitude_deg,
            longitude_deg=here.longitude_deg,
            baro_altitude_ft=round(here.altitude_ft),
            velocity_north_mps=here.velocity_north_mps,
            velocity_east_mps=here.velocity_east_mps,
            velocity_up_mps=here.velocity_up_mps,
            heading_deg=round(here.heading_deg, 2) % 360,
            nic=8,
            nacp=8,
            nacv=2,
            gva=2,
            sil=3,
            airborne=here.airborne,
            uncrewed=self._who.uncrewed,
            receipt=state.receipt,
        )

    def _ident(self, sign_off: bool) -> Send:
        emitter = Emitter.UNCREWED if self._who.uncrewed else Emitter.FIXED_WING
        return Send(Ident(self._who.call_sign, emitter, self._digest, self._guarded, sign_off), self._who.channel)

    def _intent(self, now_ns: int, here: Kinematics, plan: _Plan) -> Iterator[Effect]:
        """A new declaration when the old one runs out or no longer holds, else the same one again now and then."""
        avoid = self._who.avoid_ns
        kind = IntentKind.AVOID if avoid and avoid[0] <= now_ns < avoid[1] else IntentKind.TRANSIT
        if kind is not plan.kind or plan.until_ns - now_ns < seconds_ns(INTENT_RENEW_S):
            plan.serial = plan.serial % 255 + 1
            plan.kind = kind
            plan.until_ns = now_ns + seconds_ns(INTENT_VALID_S)
        elif now_ns - plan.said_ns < seconds_ns(INTENT_EVERY_S):
            return
        plan.said_ns = now_ns
        points = [self._point(now_ns, ahead_s) for ahead_s in (60, 120)]
        intent = Intent(
            serial=plan.serial,
            kind=plan.kind,
            validity_s=INTENT_VALID_S,
            selected_altitude_ft=round(here.altitude_ft),
            track_deg=round(here.heading_deg, 2) % 360,
            speed_mps=hypot(here.velocity_north_mps, here.velocity_east_mps),
            first=points[0],
            second=points[1],
        )
        yield Send(intent, self._who.channel, plan.until_ns)

    def _point(self, now_ns: int, ahead_s: int) -> TrajectoryPoint | None:
        there = self._sense(now_ns + seconds_ns(ahead_s))
        if there is None:
            return None
        return TrajectoryPoint(there.latitude_deg, there.longitude_deg, round(there.altitude_ft), ahead_s)

    def _watch(self, now_ns: int, state: _State) -> Watch:
        """A reception report on one peer, each in turn, the other party's first."""
        peers = state.peers
        fresh = peers.heard_ns > now_ns - PEER_FORGOTTEN_NS
        others = fresh & peers.opposed
        addresses = peers.address[others if np.count_nonzero(others) else fresh]
        report = None
        if len(addresses):
            later = addresses[addresses >= state.next_report_on]
            on = int((later if len(later) else addresses).min())
            state.next_report_on = on + 1
            report = peers.report(on)
        return Watch(self._guarded, min(int(np.count_nonzero(fresh)), 255), 0, 0, report)

    # ------------------------------------------------------------ talking

    def _calls(self, now_ns: int, here: Kinematics, state: _State) -> Iterator[Effect]:
        """Call the other party's aircraft inside the ring: at once if our party calls first, else when it has not."""
        if self._contact is None:
            return
        wait_ns = 0 if self._first else seconds_ns(self._contact.first_s + 3)
        fresh = 1  # one new call a report: the slots are few
        inside = _inside_ring(state.peers, here, self._ring_m, now_ns) if here.airborne else {}
        self._outside(inside, now_ns - PEER_FORGOTTEN_NS, state)
        for address, life in inside.items():
            talk = self._talk(address, life, state)
            talk.inside_since_ns = talk.inside_since_ns or now_ns
            if talk.call:
                yield from self._call_again(now_ns, address, talk)
            elif fresh and not talk.contact and now_ns - talk.inside_since_ns >= wait_ns:
                fresh -= 1
                talk.call = _Call(state.calls & 0xFF)
                state.calls += 1
                yield from self._call_again(now_ns, address, talk)

    def _outside(self, inside: dict[int, int], since_ns: int, state: _State) -> None:
        """Who is not inside the ring, by what was heard lately, begins anew when it comes."""
        peers = state.peers
        for address, talk in state.talks.items():
            if talk.inside_since_ns is not None and address not in inside:
                row = peers.row(address)
                if peers.heard_ns[row] >= since_ns and peers.is_placed(row):
                    talk.inside_since_ns = None

    def _talk(self, address: int, life: int, state: _State) -> _Talk:
        """How it stands with a peer; with each session of its (the `life`-th) the talking begins anew."""
        talk = state.talks.get(address)
        if talk is None or talk.life != life:
            talk = state.talks[address] = _Talk(life)
        return talk

    def _call_again(self, now_ns: int, address: int, talk: _Talk) -> Iterator[Effect]:
        call, limit_s = talk.call, self._answer.limit_s if self._answer else 10.0
        assert call is not None
        most = self._answer.calls if self._answer else 3
        if now_ns < call.again_ns:
            return
        if call.tries >= most:
            talk.call, talk.contact = None, True  # it does not answer; the monitor has heard the calls too
            return
        call.tries += 1
        call.again_ns = now_ns + seconds_ns(limit_s) + CALL_AGAIN_AFTER_NS
        yield Send(Hail(address, Phrase.CONTACT, call.call_id, round(limit_s), self._who.channel), self._who.channel)

    def _answer_to(self, key: FrameKey, call_id: int, now_ns: int, state: _State) -> Iterator[Effect]:
        """Answer in a shared slot, at once; a call heard before was perhaps answered in vain: then in its own."""
        call = (key.source, key.session, call_id)
        ack = Ack(key.source, key.session, key.sequence, MessageType.HAIL, Result.ROGER)
        send = Send(ack, self._who.channel, shared=call not in state.answered)
        state.answered.add(call)
        if not self._who.uncrewed:
            yield send
            return
        at_ns = now_ns + REMOTE_PILOT_NS
        state.answers.append((at_ns, send))
        yield WakeAt(at_ns)

    def _due_answers(self, now_ns: int) -> Iterator[Effect]:
        assert self._state
        due = [send for at_ns, send in self._state.answers if at_ns <= now_ns]
        self._state.answers = [(at_ns, send) for at_ns, send in self._state.answers if at_ns > now_ns]
        yield from due

    def _opposed(self, address: int) -> bool:
        party = self._who.parties.get(address)
        return party is not None and party != self._who.party and address != NOBODY


def _around(here: Kinematics, ring_m: float, now_ns: int) -> Around:
    """Who is inside the ring, or may be, of those heard lately."""
    degrees = ring_m / METRES_A_DEGREE * (1 + UNSURE)
    return Around(here.latitude_deg, here.longitude_deg, degrees, now_ns - PEER_FORGOTTEN_NS)


def _inside_ring(peers: Ledger, here: Kinematics, ring_m: float, now_ns: int) -> dict[int, int]:
    """The other party's aircraft inside the ring, of those heard lately: by rising address, which of its sessions each
    is in (see `Ledger.life`)."""
    ring_deg = ring_m / METRES_A_DEGREE
    rows, away_deg = peers.opposed_around(_around(here, ring_m, now_ns))
    if not len(rows):
        return {}
    unsure = away_deg > ring_deg * (1 - UNSURE)
    if np.count_nonzero(unsure):  # arrays may differ from plain floats in the last bit
        near = [_within(here, place, ring_m) for place in peers.place[rows[unsure]].tolist()]
        rows = np.concatenate([rows[~unsure], rows[unsure][near]])
    addresses = peers.address.take(rows)
    order = addresses.argsort()
    return dict(zip(addresses[order].tolist(), peers.life.take(rows[order]).tolist(), strict=True))


def _within(here: Kinematics, place: complex, ring_m: float) -> bool:
    """Whether it is near enough to be called: on a spherical earth."""
    north = (place.real - here.latitude_deg) * METRES_A_DEGREE
    east = ((place.imag - here.longitude_deg + 180) % 360 - 180) * METRES_A_DEGREE * cos(radians(here.latitude_deg))
    return hypot(north, east) <= ring_m
