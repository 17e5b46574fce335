"""An aircraft that keeps the agreement, crewed or not: it reports, identifies itself, keeps an intent in force,
watches, calls inside the contact ring, answers, and lives by the procedures of `procedures`. Sans-I/O; its own
geometry, not the judge's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from nodes.motion import Kinematics
from nodes.stations.calling import ANSWERS, Calling
from nodes.stations.clearance import KeepingClear
from nodes.stations.distress import OwnDistress, Span, Waiting
from nodes.stations.effects import Effect, Hearing, NewSession, Send, Steer, WakeAt
from nodes.stations.intents import VALID_NS, Intents, Sense
from nodes.stations.ledger import Around, Ledger, Overheard, Roster
from nodes.stations.lost_link import Link, LinkLoss
from nodes.stations.ring import PEER_FORGOTTEN_NS, around, inside_ring
from nodes.stations.sightings import Sightings
from nodes.stations.silence import Silence
from nodes.stations.tuning import Tuning
from protocol.agreement import Agreement
from protocol.messages import (
    NOBODY,
    Ack,
    Emergency,
    EmergencyState,
    Emitter,
    FrameKey,
    FrequencyChange,
    Hail,
    Ident,
    MessageType,
    Phrase,
    Position,
    Result,
    Watch,
)
from protocol.units import NM_M, NS_PER_S, seconds_ns

WATCH_EVERY = 2
"""A WATCH with every second report."""
LOOK_ROUND_EVERY = 5
"""With every fifth report it looks further round, for who may come too close, and whom it does not know."""
RING_SLACK = 1.02
"""Call a little before the ring: the other's instruments may differ."""
OUTSIDE_NS = 20 * NS_PER_S
"""Who was near, and is outside the ring for no longer, is still near: it may have been a false word."""
LEAVES_IN_NS = 3 * NS_PER_S
"""Sign off so long before being gone."""
REMOTE_PILOT_NS = 2 * NS_PER_S
"""An uncrewed aircraft answers so much later: its pilot is on the ground, at the other end of a link."""
FASTEST_MPS = 700.0
"""Whoever is further away than both fly in the look-ahead, at this speed, is no matter."""


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
    avoid_ns: Span | None = None
    emcon_ns: Span | None = None
    distress_ns: Span | None = None
    link_loss: LinkLoss | None = None
    keeps_clear: bool = False
    """Whether it turns away from who will come too close; else it only speaks."""
    roster: Roster = field(default_factory=Roster)
    """The numbers by which what it overhears names stations."""


@dataclass(slots=True, kw_only=True)
class _State:
    """Everything that changes in one session."""

    peers: Ledger
    intents: Intents
    calling: Calling
    tuning: Tuning
    distress: OwnDistress
    link: Link
    silence: Silence
    clearance: KeepingClear
    sightings: Sightings
    waiting: Waiting = field(default_factory=Waiting)
    reports: int = 0
    ident_ns: int = -1 << 62
    receipt: FrameKey | None = None
    next_report_on: int = 0
    answers: list[tuple[int, Send]] = field(default_factory=list)


class Aircraft:
    """A station of role `aircraft` or `uncrewed`. `sense` gives what its own instruments say at an instant."""

    def __init__(self, profile: Profile, sense: Sense):
        self._who, self._sense = profile, sense
        terms = profile.agreement.clause
        self._report_ns = seconds_ns(terms.c4_1.every_s if terms.c4_1 else 1.0)
        self._ident_ns = seconds_ns(terms.c1_4.every_s if terms.c1_4 else 20.0)
        self._contact = terms.c6_2
        self._ring_m = self._contact.ring_nm * NM_M * RING_SLACK if self._contact else 0.0
        self._first = profile.party == profile.agreement.party[0].name
        self._digest = int(profile.agreement.digest()[:8], 16)
        self._guarded = frozenset(c.number for c in profile.agreement.channel)
        self._state: _State | None = None
        self._gone = False

    def _new_state(self) -> _State:
        who = self._who
        notice = who.agreement.clause.c4_7
        return _State(
            peers=Ledger(who.roster, self._opposed),
            intents=Intents(self._sense, who.avoid_ns),
            calling=Calling(who.agreement),
            tuning=Tuning(who.channel, self._guarded),
            distress=OwnDistress(who.distress_ns, who.call_sign, souls=0 if who.uncrewed else 1),
            link=Link(who.link_loss),
            silence=Silence(who.emcon_ns, seconds_ns(notice.notice_s) if notice else 0),
            clearance=KeepingClear(who.agreement),
            sightings=Sightings(who.parties.keys()),
        )

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
            self._state = self._new_state()
            yield NewSession()
        if self._sense(now_ns + LEAVES_IN_NS) is None:
            self._gone = True
            yield self._ident(sign_off=True, channel=self._state.tuning.channel)
            return
        yield from self._report(now_ns, here, self._state)

    def hear(self, now_ns: int, hearing: Hearing) -> Iterator[Effect]:
        frame, message, state = hearing.frame, hearing.frame.message, self._state
        if state is None or self._gone:
            return
        life = int(state.peers.life[state.peers.hear(frame, now_ns)])
        if isinstance(message, Hail | Ack | FrequencyChange) and message.addressee not in (None, self._who.address):
            return
        if isinstance(message, Hail):
            state.receipt = frame.key
            state.calling.talk(frame.source, life).machine.on("addressed")
            yield from self._answer_to(frame.key, message, now_ns, state)
        elif isinstance(message, Ack):
            state.receipt = frame.key
            if message.answers_type is MessageType.HAIL:
                state.calling.talk(frame.source, life).machine.on("answered")
            elif message.answers_type is MessageType.EMERGENCY:
                state.distress.answered()
        elif isinstance(message, FrequencyChange):
            state.receipt = frame.key
            yield from state.tuning.ordered(frame.key, message, hearing.arrival_ns)
        elif isinstance(message, Emergency):
            state.receipt = frame.key
            state.waiting.heard(frame.source, message, now_ns)

    @property
    def ledger(self) -> Ledger | None:
        """Where `overhear` keeps its account; None while it listens to nobody."""
        return self._state.peers if self._state is not None and not self._gone else None

    def will_ask(self, now_ns: int) -> Around | None:
        """What it will ask its ledger if it wakes then; None if nothing."""
        if self._contact is None or now_ns % self._report_ns != self._who.report_phase_ns:
            return None
        here = self._sense(now_ns)
        return around(here, self._ring_m, now_ns) if here is not None and here.airborne else None

    def overhear(self, heard: Overheard) -> None:
        """The same as to hear each of these, which ask nothing of it; many times faster."""
        if (ledger := self.ledger) is not None:
            ledger.overhear(heard)

    # ------------------------------------------------------------ what it sends

    def _next_report(self, now_ns: int) -> int:
        return now_ns + (self._who.report_phase_ns - now_ns) % self._report_ns

    def _report(self, now_ns: int, here: Kinematics, state: _State) -> Iterator[Effect]:
        state.reports += 1
        if state.tuning.is_changing:
            state.tuning.tick(now_ns, int(state.peers.heard_ns.max(initial=0)))
        channel = state.tuning.channel
        yield from state.silence.tick(now_ns, channel)
        if not state.silence.is_on:
            yield Send(self._position(here, state), channel, now_ns)
            if now_ns - state.ident_ns >= self._ident_ns:
                state.ident_ns = now_ns
                yield self._ident(sign_off=False, channel=channel)
            for intent, until_ns in state.intents.due(now_ns, here, state.silence.valid_ns(now_ns, VALID_NS)):
                yield Send(intent, channel, until_ns)
        yield from state.distress.tick(now_ns, here, channel)
        yield from state.link.tick(now_ns, channel)
        yield from self._calls(now_ns, here, state)
        if state.reports % LOOK_ROUND_EVERY == 0:
            yield from self._look_round(now_ns, here, state)
        if state.reports % WATCH_EVERY == 0 and not state.silence.is_on:
            yield Send(self._watch(now_ns, state), channel)

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
            emergency=EmergencyState.GENERAL if state.distress.is_on else EmergencyState.NONE,
            uncrewed=self._who.uncrewed,
            receipt=state.receipt,
        )

    def _ident(self, sign_off: bool, channel: int) -> Send:
        emitter = Emitter.UNCREWED if self._who.uncrewed else Emitter.FIXED_WING
        return Send(Ident(self._who.call_sign, emitter, self._digest, self._guarded, sign_off), channel)

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
        calling, channel = state.calling, state.tuning.channel
        if calling.on_working_channel and state.waiting.must_wait(now_ns):
            return
        wait_ns = 0 if self._first else seconds_ns((self._contact.first_s + self._contact.second_s) / 2)
        fresh = 1  # one new call a report: the slots are few
        inside = inside_ring(state.peers, here, self._ring_m, now_ns) if here.airborne else {}
        self._outside(inside, now_ns - PEER_FORGOTTEN_NS, state)
        for address, talk in calling.talks.items():
            if talk.waits and address not in inside:
                yield from calling.go_on(now_ns, address, talk, channel)
        for address, life in inside.items():
            talk = calling.talk(address, life)
            talk.inside_since_ns = talk.inside_since_ns or now_ns
            if talk.waits:
                yield from calling.go_on(now_ns, address, talk, channel)
            elif fresh and talk.machine.state == "silent" and now_ns - talk.inside_since_ns >= wait_ns:
                fresh -= 1
                yield from calling.call(now_ns, address, talk, Phrase.CONTACT, channel)

    def _outside(self, inside: dict[int, int], since_ns: int, state: _State) -> None:
        """Who is not inside the ring for some time, by what was heard lately, begins anew when it comes."""
        peers = state.peers
        for address, talk in state.calling.talks.items():
            if address in inside:
                talk.outside_ns = 0
            elif talk.inside_since_ns is not None:
                row = peers.row(address)
                if peers.heard_ns[row] >= since_ns and peers.is_placed(row):
                    talk.outside_ns += self._report_ns
                    if talk.outside_ns > OUTSIDE_NS:
                        talk.inside_since_ns = None

    def _answer_to(self, key: FrameKey, hail: Hail, now_ns: int, state: _State) -> Iterator[Effect]:
        result = ANSWERS[hail.phrase]
        if hail.phrase is Phrase.KEEP_CLEAR and self._who.keeps_clear:
            steers = list(self._turn_away(key.source, now_ns, state))
            result = Result.WILCO if steers else Result.STANDBY  # it turns already
            yield from steers
        elif hail.phrase is Phrase.STATE_INTENTION:
            state.intents.say_again()
        send = state.calling.answer(key, hail, result, state.tuning.channel)
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

    # ------------------------------------------------------------ who comes too close, and who is unknown

    def _look_round(self, now_ns: int, here: Kinematics, state: _State) -> Iterator[Effect]:
        if state.clearance.terms is not None and here.airborne:
            reach_m = 2 * FASTEST_MPS * state.clearance.look_s
            rows, _ = state.peers.opposed_around(around(here, reach_m, now_ns))
            for row in sorted(rows.tolist(), key=lambda row: int(state.peers.address[row])):
                yield from self._keep_clear(now_ns, here, row, state)
        if not state.waiting.must_wait(now_ns):
            yield from state.sightings.tick(now_ns, state.peers, state.tuning.channel)

    def _keep_clear(self, now_ns: int, here: Kinematics, row: int, state: _State) -> Iterator[Effect]:
        clearance, address = state.clearance, int(state.peers.address[row])
        meeting = clearance.meeting(here, state.peers, row, now_ns)
        if meeting is None:
            if address in clearance.peers:
                clearance.of(address).on("past")
            return
        event = clearance.event(address, meeting, now_ns)
        if event is None:
            return
        talk = state.calling.talk(address, int(state.peers.life[row]))
        for action in clearance.of(address).on(event):
            if action == "turn away":
                yield from self._turn(now_ns, here, meeting.side, state)
            else:
                phrase = Phrase.STATE_INTENTION
                if action == "ask to keep clear":
                    phrase = Phrase.KEEP_CLEAR
                    clearance.asked(address, now_ns)
                yield from state.calling.call(now_ns, address, talk, phrase, state.tuning.channel)

    def _turn_away(self, address: int, now_ns: int, state: _State) -> Iterator[Steer]:
        here = self._sense(now_ns)
        if here is not None and state.clearance.of(address).on("asked"):
            meeting = state.clearance.meeting(here, state.peers, state.peers.row(address), now_ns)
            yield from self._turn(now_ns, here, meeting.side if meeting else 1, state)

    def _turn(self, now_ns: int, here: Kinematics, side: int, state: _State) -> Iterator[Steer]:
        steer = state.clearance.turn(now_ns, here, side) if self._who.keeps_clear else None
        if steer is not None:
            yield steer
