"""Faults of message: what a station says, drops, adds or says elsewhere."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import cos, radians
from typing import NamedTuple

from nodes.faults.base import Active, Around, Edit, often
from nodes.scenario import FaultEntry
from nodes.stations.effects import Send
from protocol.messages import (
    TYPE_OF,
    Ack,
    Emcon,
    Emergency,
    Hail,
    Ident,
    Intent,
    Intention,
    LinkPoint,
    LostLink,
    Message,
    MessageType,
    Nature,
    Phrase,
    Position,
    Procedure,
    Result,
    Sensor,
    Severity,
    Sighting,
    TrajectoryPoint,
    Watch,
)
from protocol.units import NS_PER_S, seconds_ns

Is = Callable[[Message], bool]

DROPS: dict[str, Is] = {
    "anonymous": lambda m: isinstance(m, Ident),
    "no_intent": lambda m: isinstance(m, Intent),
    "no_contact": lambda m: isinstance(m, Hail),
    "ignores_hail": lambda m: isinstance(m, Ack) and m.answers_type is MessageType.HAIL,
    "ignored_mayday": lambda m: isinstance(m, Ack) and m.answers_type is MessageType.EMERGENCY,
    "plays_chicken": lambda m: isinstance(m, Hail) and m.phrase is not Phrase.CONTACT,
}
"""Faults that do not say something."""
TELEPORT_EVERY = 10
TELEPORT_DEG = 0.3
STRAY_EVERY = 4
BABBLE = 10
"""So many calls on guard with each POSITION: some 7.5 % of the channel at 31.5 kb/s, and 6 % if a fifth is lost."""
VAGUE_NACP = 5
SPOOFED_DEG = 12.0
"""So much further east, at 35 degrees of latitude, `spoofed_position` says that it is: too far for the delay of its
frames, and for any power."""
BESIDE_DEG = 0.15
"""So much further north (or south) `broken_promise` says that it will fly: 9 NM."""
EARLY_S = 8.0
"""`early_move` is on the new channel so long after it has answered."""
EMCON_S, EMCON_AHEAD_S, EMCON_SAID_S = 900, 16.0, 7.0
"""`overlong_emcon` announces so long a silence, so far ahead, again and again for so long. It keeps none."""
EMCON_SERIAL = 200
NOTICED_S = 5.0
"""`lost_link_stray` says that it has lost its link so long before."""


def editor(fault: FaultEntry, around: Around) -> Edit | None:
    """The fault of message that an entry asks for; None if it is a fault of another kind."""
    active = Active.of(fault, around.start_ns)
    if fault.name in DROPS:
        return _drop(active, DROPS[fault.name])
    if fault.name in ADDS:
        return _added(active, ADDS[fault.name], fault, around)
    if fault.name == "early_move":
        return _EarlyMove(active)
    if fault.name == "silent":
        return _Silence(active)
    if fault.name == "teleport":
        return _Every(active, TELEPORT_EVERY, partial(_teleported, TELEPORT_DEG * fault.strength))
    if fault.name in CHANGES:
        change = CHANGES[fault.name]
        return _changed(active, lambda send: replace(send, message=change(send.message, around)))
    if fault.name == "spoofed_position":
        return _changed(active, partial(_spoofed, SPOOFED_DEG * fault.strength))
    if fault.name == "wrong_fallback":
        return _changed(active, partial(_wrong_fallback, around=around))
    if fault.name == "babbler":
        return _babble(active, around, round(BABBLE * fault.strength))
    channel = around.unagreed if fault.name == "wrong_channel" else next(iter(around.guards), None)
    if fault.name in ("wrong_channel", "guard_chatter") and channel is not None:
        stray = channel
        return _Every(active, often(STRAY_EVERY, fault), lambda send: Send(send.message, stray, send.about_ns))
    return None


def _stale(message: Message, around: Around) -> Message:
    return message._replace(agreement=message.agreement ^ 0xFFFFFFFF) if isinstance(message, Ident) else message


def _deaf(message: Message, around: Around) -> Message:
    if isinstance(message, Ident | Watch):
        return message._replace(guarded=message.guarded - frozenset(around.guards))
    return message


def _vague(message: Message, around: Around) -> Message:
    return message._replace(nacp=VAGUE_NACP) if isinstance(message, Position) else message


def _spoofed(by_deg: float, send: Send) -> Send:
    """What it declares is as far off as where it says it is."""
    message = send.message
    if isinstance(message, Intent):
        points = (message.first, message.second)
        first, second = (p and _moved(p, 0.0, _widened(by_deg, p.latitude_deg)) for p in points)
        return replace(send, message=message._replace(first=first, second=second))
    if not isinstance(message, Position) or message.longitude_deg is None:
        return send
    east_deg = _widened(by_deg, message.latitude_deg or 0.0)
    return replace(send, message=message._replace(longitude_deg=_east(message.longitude_deg, east_deg)))


def _widened(by_deg: float, latitude_deg: float) -> float:
    """As far as so many degrees are at 35 degrees of latitude."""
    return by_deg * cos(radians(35.0)) / cos(radians(latitude_deg))


def _east(longitude_deg: float, by_deg: float) -> float:
    return (longitude_deg + by_deg + 180) % 360 - 180


def _moved(point: TrajectoryPoint | None, north_deg: float, east_deg: float) -> TrajectoryPoint | None:
    if point is None:
        return None
    return point._replace(
        latitude_deg=point.latitude_deg + north_deg, longitude_deg=_east(point.longitude_deg, east_deg)
    )


def _broken_promise(message: Message, around: Around) -> Message:
    if not isinstance(message, Intent):
        return message

    first, second = message.first, message.second
    north_deg = BESIDE_DEG if first is not None and first.latitude_deg < 0 else -BESIDE_DEG
    return message._replace(first=_moved(first, north_deg, 0.0), second=_moved(second, north_deg, 0.0))


def _says_not_does(message: Message, around: Around) -> Message:
    if isinstance(message, Ack) and message.answers_type is MessageType.HAIL and message.result is Result.UNABLE:
        return message._replace(result=Result.WILCO)
    return message


def _wrong_fallback(send: Send, around: Around) -> Send:
    """The first two channels of the order in the wrong order."""
    swapped = dict(zip(around.order[:2], reversed(around.order[:2]), strict=True))
    return replace(send, channel=swapped.get(send.channel, send.channel)) if isinstance(send.message, Hail) else send


CHANGES: dict[str, Callable[[Message, Around], Message]] = {
    "stale_agreement": _stale,
    "deaf_on_guard": _deaf,
    "vague": _vague,
    "broken_promise": _broken_promise,
    "says_not_does": _says_not_does,
}
"""Faults that say another thing."""


def _changed(active: Active, change: Callable[[Send], Send]) -> Edit:
    def edit(now_ns: int, send: Send) -> list[Send]:
        return [change(send)] if active.covers(now_ns) else [send]

    return edit


def _drop(active: Active, is_dropped: Is) -> Edit:
    def edit(now_ns: int, send: Send) -> list[Send]:
        return [] if active.covers(now_ns) and is_dropped(send.message) else [send]

    return edit


# ------------------------------------------------------------ what is said too much


class _Moment(NamedTuple):
    """When something is added: beside which POSITION, and since when the fault is on."""

    now_ns: int
    onset_ns: int
    position: Position
    send: Send
    around: Around

    @property
    def place(self) -> tuple[float, float]:
        return self.position.latitude_deg or 0.0, self.position.longitude_deg or 0.0


class _Adding(NamedTuple):
    """With every n-th POSITION something else is said."""

    every: int
    say: Callable[["_Moment"], Send | None]


def _mayday(m: _Moment) -> Send:
    """Without souls and endurance."""
    latitude_deg, longitude_deg = m.place
    emergency = Emergency(
        incident=99,
        severity=Severity.URGENCY,
        nature=Nature.ENGINE,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        altitude_ft=m.position.baro_altitude_ft,
        intention=Intention.CONTINUE,
        call_sign="VAGUE",
    )
    return Send(emergency, m.send.channel, shared=True)


def _sighting(m: _Moment) -> Send:
    latitude_deg, longitude_deg = m.place
    """Of the monitor, which is never in distress."""
    seen = Sighting(m.around.monitor, 7, Sensor.VISUAL, latitude_deg + 0.05, longitude_deg, 2_000, 0.0)
    return Send(seen, m.send.channel)


def _emcon(m: _Moment) -> Send | None:
    if m.now_ns - m.onset_ns > seconds_ns(EMCON_SAID_S):
        return None
    begins_ns = m.onset_ns + seconds_ns(EMCON_AHEAD_S)
    return Send(Emcon(EMCON_SERIAL, 0, EMCON_S, m.send.channel), m.send.channel, begins_ns)


class _Stray:
    """It says that it will stay where it was when it lost its link, and flies on."""

    def __init__(self) -> None:
        self._point: LinkPoint | None = None

    def __call__(self, m: _Moment) -> Send:
        self._point = self._point or LinkPoint(*m.place, m.position.baro_altitude_ft, 500)
        lost = LostLink(Procedure.HOLD, 0, 0, self._point)
        return Send(lost, m.send.channel, m.onset_ns - seconds_ns(NOTICED_S), shared=True)


ADDS: dict[str, Callable[[], _Adding]] = {
    "vague_mayday": lambda: _Adding(5, _mayday),
    "talks_over": lambda: _Adding(3, _sighting),
    "overlong_emcon": lambda: _Adding(3, _emcon),
    "lost_link_stray": lambda: _Adding(2, _Stray()),
}
"""Faults that say too much."""


def _added(active: Active, make: Callable[[], _Adding], fault: FaultEntry, around: Around) -> Edit:
    adding, seen = make(), -1
    every = often(adding.every, fault)

    def edit(now_ns: int, send: Send) -> list[Send]:
        nonlocal seen
        if not active.covers(now_ns) or not isinstance(send.message, Position):
            return [send]
        seen += 1
        said = adding.say(_Moment(now_ns, active.from_ns, send.message, send, around)) if seen % every == 0 else None
        return [send] if said is None else [send, said]

    return edit


def _babble(active: Active, around: Around, calls: int) -> Edit:
    """Calls the monitor, which answers nobody, again and again."""

    def edit(now_ns: int, send: Send) -> list[Send]:
        if not active.covers(now_ns) or not isinstance(send.message, Position):
            return [send]
        said = [
            Send(Hail(around.monitor, Phrase.CONTACT, call_id, 10, guard), guard)
            for guard in around.guards[:1]
            for call_id in range(calls)
        ]
        return [send, *said]

    return edit


# ------------------------------------------------------------ what is said at another time, or elsewhere


class _EarlyMove:
    """It reports on the channel to which it was ordered as soon as it has answered, now and then."""

    def __init__(self, active: Active):
        self._active = active
        self._channel: int | None = None
        self._until_ns = self._seen = 0

    def __call__(self, now_ns: int, send: Send) -> list[Send]:
        message = send.message
        if isinstance(message, Ack) and message.answers_type is MessageType.FREQUENCY_CHANGE:
            self._channel, self._until_ns = message.read_back, now_ns + seconds_ns(EARLY_S)
        if self._channel is None or not self._active.covers(now_ns) or not isinstance(message, Position):
            return [send]
        if not NS_PER_S <= self._until_ns - now_ns <= seconds_ns(EARLY_S) - NS_PER_S:
            return [send]
        self._seen += 1
        return [replace(send, channel=self._channel) if self._seen % 2 else send]


class _Silence:
    """Reports nothing, though it calls and answers; the latest IDENT and INTENT wait, and go out with the first message
    afterwards."""

    def __init__(self, active: Active):
        self._active = active
        self._held: dict[MessageType, Send] = {}

    def __call__(self, now_ns: int, send: Send) -> list[Send]:
        kind = TYPE_OF[type(send.message)]
        if not isinstance(send.message, Position | Watch | Ident | Intent):
            return [send]
        if self._active.covers(now_ns):
            if isinstance(send.message, Ident | Intent):
                self._held[kind] = send
            return []
        held, self._held = self._held, {}
        held.pop(kind, None)
        return [send, *(replace(late, channel=send.channel) for late in held.values())]  # it may have been ordered on


class _Every:
    """Changes every n-th POSITION."""

    def __init__(self, active: Active, every: int, change: Callable[[Send], Send]):
        self._active, self._every, self._change = active, every, change
        self._seen = 0

    def __call__(self, now_ns: int, send: Send) -> list[Send]:
        if not self._active.covers(now_ns) or not isinstance(send.message, Position):
            return [send]
        self._seen += 1
        return [self._change(send) if self._seen % self._every == 0 else send]


def _teleported(by_deg: float, send: Send) -> Send:
    assert isinstance(send.message, Position)
    latitude = send.message.latitude_deg or 0.0
    step = by_deg if latitude < 0 else -by_deg
    return Send(send.message._replace(latitude_deg=latitude + step), send.channel, send.about_ns)
