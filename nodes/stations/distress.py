"""Distress: one's own, and what waits while another's is heard."""

from collections.abc import Iterator

from nodes.motion import Kinematics
from nodes.stations.effects import Send
from nodes.stations.machine import Machine
from nodes.stations.procedures import DISTRESS, OTHERS_DISTRESS
from protocol.messages import Emergency, Intention, Message, Nature, Severity
from protocol.units import NS_PER_S

EVERY_NS, SELDOM_NS = 5 * NS_PER_S, 10 * NS_PER_S
NO_MORE_HEARD_NS = 60 * NS_PER_S
ENDURANCE_MIN = 60

Span = tuple[int, int]
"""From an instant until another."""


class OwnDistress:
    """EMERGENCY from one instant until another, as the scenario has it."""

    def __init__(self, span: Span | None, call_sign: str, souls: int):
        self._span, self._call_sign, self._souls = span, call_sign, souls
        self._machine = Machine(DISTRESS)
        self._said_ns = 0

    @property
    def is_on(self) -> bool:
        return self._machine.state != "well"

    def answered(self) -> None:
        self._machine.on("answered")

    def tick(self, now_ns: int, here: Kinematics, channel: int) -> Iterator[Send]:
        """What is to be said now."""
        if self._span is None:
            return
        actions: tuple[str, ...] = ()
        if now_ns >= self._span[1]:
            actions = self._machine.on("over")
        elif now_ns >= self._span[0] and not self.is_on:
            actions = self._machine.on("trouble")
        elif now_ns - self._said_ns >= EVERY_NS:
            actions = self._machine.on("time")
        if not actions and now_ns - self._said_ns >= SELDOM_NS:
            actions = self._machine.on("seldom")
        for action in actions:
            self._said_ns = now_ns
            yield Send(self._message(here, cancel=action == "cancel"), channel, shared=True)

    def _message(self, here: Kinematics, cancel: bool) -> Emergency:
        return Emergency(
            incident=1,
            severity=Severity.CANCEL if cancel else Severity.DISTRESS,
            nature=Nature.ENGINE,
            latitude_deg=here.latitude_deg,
            longitude_deg=here.longitude_deg,
            altitude_ft=round(here.altitude_ft),
            souls=self._souls,
            endurance_min=ENDURANCE_MIN,
            intention=Intention.DIVERT,
            call_sign=self._call_sign,
        )


class Waiting:
    """What waits while anybody else is in distress, as far as it is known."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[Machine, int]] = {}
        """For each that was heard in distress: how it stands, and when it was last heard."""

    def heard(self, source: int, message: Message, now_ns: int) -> None:
        if isinstance(message, Emergency):
            machine, _ = self._open.get(source, (Machine(OTHERS_DISTRESS), 0))
            machine.on("cancelled" if message.severity is Severity.CANCEL else "emergency")
            self._open[source] = machine, now_ns

    def must_wait(self, now_ns: int) -> bool:
        """Whether changes of frequency, sightings and calls that can wait must do so."""
        for machine, heard_ns in self._open.values():
            if now_ns - heard_ns > NO_MORE_HEARD_NS:
                machine.on("no more heard")
        return any(machine.state == "held" for machine, _ in self._open.values())
