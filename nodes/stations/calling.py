"""Calls to the other party's aircraft, and answers to theirs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from nodes.stations.effects import Send
from nodes.stations.machine import Machine
from nodes.stations.procedures import CALL
from protocol.agreement import Agreement
from protocol.messages import Ack, FrameKey, FrequencyChange, Hail, MessageType, Phrase, Result
from protocol.units import NS_PER_S, seconds_ns

CALL_AGAIN_AFTER_NS = 1 * NS_PER_S
"""How long after the time for an answer a call is repeated: the answer's own slot may still come."""
ANSWERS = {
    Phrase.CONTACT: Result.ROGER,
    Phrase.STATE_INTENTION: Result.ROGER,
    Phrase.KEEP_CLEAR: Result.UNABLE,
    Phrase.YOU_ARE_CLOSING: Result.ROGER,
    Phrase.CHANGE_FREQUENCY: Result.UNABLE,
    Phrase.SAY_AGAIN: Result.ROGER,
}
"""What is answered to whom asks for nothing that can be done. Each is one that 6.4 allows."""


@dataclass(slots=True)
class Talk:
    """How the talking with a peer stands, in its session of that number."""

    life: int
    inside_since_ns: int | None = None
    outside_ns: int = 0
    """For how long it has been outside the ring since."""
    machine: Machine = field(default_factory=lambda: Machine(CALL))
    call_id: int = 0
    phrase: Phrase = Phrase.CONTACT
    tries: int = 0
    again_ns: int = 0

    @property
    def waits(self) -> bool:
        """Whether a call waits for its answer."""
        return self.machine.state == "called"


class Calling:
    """The talking of one session. `channel` is where answers are asked for."""

    def __init__(self, agreement: Agreement):
        terms = agreement.clause
        self._limit_s = terms.c6_3.limit_s if terms.c6_3 else 10.0
        self._most = terms.c6_3.calls + 1 if terms.c6_3 else 3
        """The monitor is to hear as many calls as make silence a breach, and may not hear one."""
        guards = tuple(c.number for c in agreement.channel if c.guard)
        self._order = terms.c2_5.order if terms.c2_5 else guards[:1]
        """The channels on which a call is tried one after the other; none: on the working channel."""
        self.talks: dict[int, Talk] = {}
        """By address; with most peers there is nothing to talk about."""
        self._calls = 0
        self._answered: dict[tuple[int, int, int], Result] = {}

    @property
    def on_working_channel(self) -> bool:
        """Whether calls go where reports go, for want of a guard channel."""
        return not self._order

    def talk(self, address: int, life: int) -> Talk:
        """How it stands with a peer; with each session of its (the `life`-th) the talking begins anew."""
        talk = self.talks.get(address)
        if talk is None or talk.life != life:
            talk = self.talks[address] = Talk(life)
        return talk

    def call(self, now_ns: int, address: int, talk: Talk, phrase: Phrase, channel: int) -> Iterator[Send]:
        """Begin a call, whatever was said before."""
        talk.machine = Machine(CALL)
        talk.call_id, talk.phrase, talk.tries = self._calls & 0xFF, phrase, 0
        self._calls += 1
        yield from self._do(talk.machine.on("near"), now_ns, address, talk, channel)

    def go_on(self, now_ns: int, address: int, talk: Talk, channel: int) -> Iterator[Send]:
        """Call again if the time for an answer is over; after the last try it is given up."""
        if not talk.waits or now_ns < talk.again_ns:
            return
        event = "tried" if talk.tries >= self._most else "time"
        yield from self._do(talk.machine.on(event), now_ns, address, talk, channel)

    def _do(self, actions: tuple[str, ...], now_ns: int, address: int, talk: Talk, channel: int) -> Iterator[Send]:
        for _ in actions:
            on = self._order[min(talk.tries, len(self._order) - 1)] if self._order else channel
            talk.tries += 1
            talk.again_ns = now_ns + seconds_ns(self._limit_s) + CALL_AGAIN_AFTER_NS
            yield Send(Hail(address, talk.phrase, talk.call_id, round(self._limit_s), channel), on)

    # ------------------------------------------------------------ answering

    def answer(self, key: FrameKey, hail: Hail, result: Result, channel: int) -> Send:
        """Answer in a shared slot, at once; a call heard before was perhaps answered in vain: then in its own."""
        call = (key.source, key.session, hail.call_id)
        shared = call not in self._answered
        result = self._answered.setdefault(call, result)
        ack = Ack(key.source, key.session, key.sequence, MessageType.HAIL, result)
        return Send(ack, channel, shared=shared)


def read_back(key: FrameKey, change: FrequencyChange, channel: int, result: Result = Result.WILCO) -> Send:
    """The answer to a change of frequency: that it will be done, or not, and what was understood."""
    ack = Ack(
        key.source,
        key.session,
        key.sequence,
        MessageType.FREQUENCY_CHANGE,
        result,
        read_back=change.to_channel,
    )
    return Send(ack, channel, shared=True)
