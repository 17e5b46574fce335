"""A ground station that keeps the agreement: it watches, answers calls and distress, and orders changes of channel."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from nodes.stations.aircraft import WATCH_EVERY, Profile
from nodes.stations.calling import ANSWERS, Calling
from nodes.stations.distress import Waiting
from nodes.stations.effects import Effect, Hearing, NewSession, Send, WakeAt
from nodes.stations.ledger import Ledger, Overheard
from nodes.stations.ring import PEER_FORGOTTEN_NS
from protocol.messages import (
    Ack,
    Emergency,
    Emitter,
    FrequencyChange,
    Hail,
    Ident,
    MessageType,
    Result,
    Severity,
    Watch,
)
from protocol.units import NS_PER_S, seconds_ns

SAY_AGAIN_NS = 4 * NS_PER_S
"""An order that was not read back is given again after this time, as long as there is time for it."""
IN_DISTRESS_NS = 30 * NS_PER_S
"""Who was heard in distress so lately is reported on first."""


@dataclass(frozen=True, slots=True)
class Order:
    """Send a station to another channel: given at an instant, to be done so much later."""

    at_ns: int
    station: int
    to_channel: int
    effective_s: float


@dataclass(slots=True)
class _Given:
    """An order that was given, and perhaps not read back yet."""

    serial: int
    order: Order
    effective_ns: int
    said_ns: int
    read_back: bool = False


@dataclass(slots=True)
class _State:
    """Everything that changes in one session."""

    peers: Ledger
    calling: Calling
    waiting: Waiting = field(default_factory=Waiting)
    reports: int = 0
    ident_ns: int = -1 << 62
    given: list[_Given] = field(default_factory=list)
    next_report_on: int = 0
    distressed: dict[int, int] = field(default_factory=dict)
    """When each was last heard in distress."""


class Ground:
    """A station of role `ground`. It answers on the working channel, and so do those whom it calls."""

    def __init__(self, profile: Profile, orders: tuple[Order, ...] = ()):
        self._who, self._orders = profile, orders
        terms = profile.agreement.clause
        self._report_ns = seconds_ns(terms.c4_1.every_s if terms.c4_1 else 1.0)
        self._ident_ns = seconds_ns(terms.c1_4.every_s if terms.c1_4 else 20.0)
        self._digest = int(profile.agreement.digest()[:8], 16)
        self._guarded = frozenset(c.number for c in profile.agreement.channel)
        self._channel_of: dict[int, int] = {}
        """Where those are who were sent to another channel."""
        self._state: _State | None = None

    def start(self, now_ns: int) -> Iterator[Effect]:
        self._state = _State(Ledger(self._who.roster, lambda address: False), Calling(self._who.agreement))
        yield NewSession()
        yield WakeAt(self._next_report(now_ns))

    def wake(self, now_ns: int) -> Iterator[Effect]:
        state = self._state
        if state is None or now_ns % self._report_ns != self._who.report_phase_ns:
            return
        yield WakeAt(self._next_report(now_ns + 1))
        state.reports += 1
        if now_ns - state.ident_ns >= self._ident_ns:
            state.ident_ns = now_ns
            ident = Ident(self._who.call_sign, Emitter.GROUND, self._digest, self._guarded)
            yield Send(ident, self._who.channel)
        if not state.waiting.must_wait(now_ns):
            yield from self._give(now_ns, state)
        if state.reports % WATCH_EVERY == 0 or state.distressed:
            yield Send(self._watch(now_ns, state), self._who.channel)

    def hear(self, now_ns: int, hearing: Hearing) -> Iterator[Effect]:
        frame, message, state = hearing.frame, hearing.frame.message, self._state
        if state is None:
            return
        state.peers.hear(frame, now_ns)
        if isinstance(message, Emergency):
            yield from self._in_distress(now_ns, hearing, message, state)
        elif isinstance(message, Hail) and message.addressee == self._who.address:
            yield state.calling.answer(frame.key, message, ANSWERS[message.phrase], self._who.channel)
        elif isinstance(message, Ack) and message.addressee == self._who.address:
            for given in state.given:
                if message.answers_type is MessageType.FREQUENCY_CHANGE and given.order.station == frame.source:
                    given.read_back = True

    def overhear(self, heard: Overheard) -> None:
        """The same as to hear each of these, which ask nothing of it."""
        if self._state is not None:
            self._state.peers.overhear(heard)

    def _in_distress(self, now_ns: int, hearing: Hearing, message: Emergency, state: _State) -> Iterator[Effect]:
        """Every EMERGENCY is answered: the answer before may not have been heard."""
        key = hearing.frame.key
        state.waiting.heard(key.source, message, now_ns)
        if message.severity is Severity.CANCEL:
            state.distressed.pop(key.source, None)
            return
        state.distressed[key.source] = now_ns
        ack = Ack(key.source, key.session, key.sequence, MessageType.EMERGENCY, Result.ROGER)
        yield Send(ack, self._who.channel, shared=True)

    def _give(self, now_ns: int, state: _State) -> Iterator[Effect]:
        for order in self._orders[len(state.given) :]:
            if now_ns >= order.at_ns:
                effective_ns = now_ns + seconds_ns(order.effective_s)
                state.given.append(_Given(len(state.given) % 255 + 1, order, effective_ns, -1 << 62))
        for given in state.given:
            left_s = (given.effective_ns - now_ns) / NS_PER_S
            if not given.read_back and left_s > 2 and now_ns - given.said_ns >= SAY_AGAIN_NS:
                given.said_ns = now_ns
                here = self._channel_of.get(given.order.station, self._who.channel)
                change = FrequencyChange(given.order.station, given.serial, here, given.order.to_channel, left_s)
                yield Send(change, here, given.effective_ns, shared=True)
            if given.read_back and left_s <= 0:
                self._channel_of[given.order.station] = given.order.to_channel

    def _next_report(self, now_ns: int) -> int:
        return now_ns + (self._who.report_phase_ns - now_ns) % self._report_ns

    def _watch(self, now_ns: int, state: _State) -> Watch:
        """A reception report on one peer, each in turn; on who is in distress before all others."""
        peers = state.peers
        state.distressed = {a: at for a, at in state.distressed.items() if now_ns - at < IN_DISTRESS_NS}
        fresh = peers.heard_ns > now_ns - PEER_FORGOTTEN_NS
        addresses = peers.address[fresh]
        report = None
        if state.distressed:
            report = peers.report(min(state.distressed))
        elif len(addresses):
            later = addresses[addresses >= state.next_report_on]
            on = int((later if len(later) else addresses).min())
            state.next_report_on = on + 1
            report = peers.report(on)
        return Watch(self._guarded, min(int(np.count_nonzero(fresh)), 255), 0, 0, report)
