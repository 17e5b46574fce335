"""EMCON: an announced silence. What is periodic is not sent in it; calls, answers and distress are."""

from collections.abc import Iterator

from nodes.stations.distress import Span
from nodes.stations.effects import Send
from nodes.stations.machine import Machine
from nodes.stations.procedures import SILENCE
from protocol.messages import Emcon
from protocol.units import NS_PER_S

MARGIN_NS = 5 * NS_PER_S
"""Announced so much earlier than must be: the announcement may wait for a slot."""
AGAIN_NS = 3 * NS_PER_S


class Silence:
    """The announced silence of one session, from one instant until another."""

    def __init__(self, span: Span | None, notice_ns: int):
        self._span, self._notice_ns = span, notice_ns
        self._machine = Machine(SILENCE)
        self._said_ns = 0

    @property
    def is_on(self) -> bool:
        return self._machine.state == "silent"

    def valid_ns(self, now_ns: int, at_least_ns: int) -> int:
        """How long what is declared now must be valid: beyond the silence, if it is announced."""
        if self._span is None or self._machine.state != "announced":
            return at_least_ns
        return max(self._span[1] - now_ns, 0) + at_least_ns

    def tick(self, now_ns: int, channel: int) -> Iterator[Send]:
        """What is to be said now."""
        if self._span is None:
            return
        begin_ns, end_ns = self._span
        if self._machine.state == "on the air" and now_ns > begin_ns - self._notice_ns - MARGIN_NS // 2:
            return  # it is too late to announce it: so it keeps none
        actions: tuple[str, ...] = ()
        if now_ns >= end_ns:
            self._machine.on("ends")
        elif now_ns >= begin_ns:
            self._machine.on("begins")
        elif now_ns >= begin_ns - self._notice_ns - MARGIN_NS:
            event = "soon" if self._machine.state == "on the air" else "time"
            if event == "soon" or now_ns - self._said_ns >= AGAIN_NS:
                actions = self._machine.on(event)
        for _ in actions:
            self._said_ns = now_ns
            silence = Emcon(1, (begin_ns - now_ns) // NS_PER_S, (end_ns - begin_ns) // NS_PER_S, channel)
            yield Send(silence, channel, begin_ns)
