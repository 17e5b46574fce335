"""What the frames mean: one frozen object per message, values in physical units.

Only meanings live here. How they are laid out in bits stands in `protocol.wire`, and nowhere else.
`None` is "not available"; every other value is in the range that `wire` states for the field.
"""

from typing import NamedTuple

from protocol.vocabulary import (
    EmergencyState as EmergencyState,
    Emitter as Emitter,
    Intention as Intention,
    IntentKind as IntentKind,
    MessageType as MessageType,
    Nature as Nature,
    Phrase as Phrase,
    Procedure as Procedure,
    Reason as Reason,
    Result as Result,
    Sensor as Sensor,
    Severity as Severity,
)

VERSION = 1
MAX_FRAME_BYTES = 64
NOBODY = 0xFFFFFF
"""The address that no station has: all ones stands for "none" on the wire."""


class FrameKey(NamedTuple):
    """One frame of one station: unique while sequence arithmetic holds."""

    source: int
    session: int
    sequence: int


class Position(NamedTuple):
    """POSITION: where the source is and how good that is, and the account of what else it sent.

    `age_s` is how long before the frame's time the position was valid. `idents`, `hails` and `acks` count what
    the session sent so far, modulo 256; `emcon` is the serial of its last EMCON (0: none yet). `receipt` is the last
    frame heard that was addressed to the source, or to everybody.
    """

    latitude_deg: float | None = None
    longitude_deg: float | None = None
    baro_altitude_ft: int | None = None
    geo_altitude_ft: int | None = None
    velocity_north_mps: float | None = None
    velocity_east_mps: float | None = None
    velocity_up_mps: float | None = None
    heading_deg: float | None = None
    nic: int = 0
    nacp: int = 0
    nacv: int = 0
    gva: int = 0
    sil: int = 0
    airborne: bool = True
    emergency: EmergencyState = EmergencyState.NONE
    uncrewed: bool = False
    degraded: bool = False
    simulated: bool = False
    age_s: float | None = None
    idents: int = 0
    hails: int = 0
    acks: int = 0
    emcon: int = 0
    receipt: FrameKey | None = None


class TrajectoryPoint(NamedTuple):
    """A point the source means to pass, and when: seconds after the frame's time."""

    latitude_deg: float
    longitude_deg: float
    altitude_ft: int | None
    time_over_s: int


class Intent(NamedTuple):
    """INTENT: what the source will do. One serial is one declaration: a repetition says the same,
    with the validity that is left (`validity_s`, counted from the frame's own time)."""

    serial: int
    kind: IntentKind
    validity_s: int
    selected_altitude_ft: int | None = None
    track_deg: float | None = None
    speed_mps: float | None = None
    first: TrajectoryPoint | None = None
    second: TrajectoryPoint | None = None


class Ident(NamedTuple):
    """IDENT: who the source is, what it guards and which agreement it flies; `sign_off` ends its session."""

    call_sign: str
    emitter: Emitter
    agreement: int
    guarded: frozenset[int] = frozenset()
    sign_off: bool = False


class Hail(NamedTuple):
    """HAIL: a call to one station. Calls again carry the same `call_id`; `reply_by_s` counts from the frame."""

    addressee: int
    phrase: Phrase
    call_id: int
    reply_by_s: int
    reply_channel: int
    subject: int | None = None


class Ack(NamedTuple):
    """ACK: the answer to one frame of the addressee, which `answers_…` names."""

    addressee: int
    answers_session: int
    answers_sequence: int
    answers_type: MessageType
    result: Result
    reason: Reason = Reason.NONE
    read_back: int | None = None


class PeerReport(NamedTuple):
    """What a WATCH says of one peer: the last frame heard from it, and which of the 32 before it.

    Bit i of `earlier` stands for sequence number `last_sequence - 1 - i` (modulo 65536).
    """

    peer: int
    session: int
    last_sequence: int
    earlier: int

    def heard(self, sequence: int) -> bool:
        """Whether the reporter says that it heard this sequence number (unknown counts as no)."""
        behind = (self.last_sequence - sequence) & 0xFFFF
        return behind == 0 or (behind <= 32 and bool(self.earlier >> (behind - 1) & 1))


class Watch(NamedTuple):
    """WATCH: what the source guards and how well it hears; for one peer a reception report."""

    guarded: frozenset[int]
    stations_heard: int
    hails: int
    acks: int
    report: PeerReport | None = None


class FrequencyChange(NamedTuple):
    """FREQUENCY CHANGE: go from one channel to another, `effective_s` after the frame's time.

    `addressee` None: everybody. One serial is one change: a repetition says the same, with the time that is left.
    `fallback` is the channel to go to if nobody is heard on the new one.
    """

    addressee: int | None
    serial: int
    from_channel: int
    to_channel: int
    effective_s: float
    frequency_hz: int | None = None
    fallback: int | None = None


class Emergency(NamedTuple):
    """EMERGENCY: distress or urgency, or its end. Frames of one incident carry the same number.

    Altitude is pressure altitude; `endurance_min` is how long it can stay in the air.
    """

    incident: int
    severity: Severity
    nature: Nature = Nature.NOT_GIVEN
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    altitude_ft: int | None = None
    souls: int | None = None
    endurance_min: int | None = None
    intention: Intention = Intention.NOT_GIVEN
    call_sign: str = ""


class LinkPoint(NamedTuple):
    """Where the procedure of a lost link leads, and how near: within `radius_m` of the point."""

    latitude_deg: float
    longitude_deg: float
    altitude_ft: int | None
    radius_m: int


class LostLink(NamedTuple):
    """LOST LINK: an uncrewed aircraft has had no link since `since_s` before the frame's time.

    It begins its procedure `act_s` after the frame's time (0: it is at it).
    """

    procedure: Procedure
    since_s: int
    act_s: int
    point: LinkPoint | None = None


class Emcon(NamedTuple):
    """EMCON: an announced silence, from `from_s` after the frame's time for `duration_s`; then on `resume_channel`.

    One serial is one silence: a repetition says the same, with the time that is left until it begins.
    """

    serial: int
    from_s: int
    duration_s: int
    resume_channel: int


class Sighting(NamedTuple):
    """SIGHTING: another station as the source's own sensors see it, `age_s` before the frame's time.

    `subject` None: one that is not known by address; `contact` is the source's own number for it. It is within
    `within_m` of the place.
    """

    subject: int | None
    contact: int
    sensor: Sensor
    latitude_deg: float
    longitude_deg: float
    within_m: int
    age_s: float
    altitude_ft: int | None = None
    velocity_north_mps: float | None = None
    velocity_east_mps: float | None = None


Message = Position | Intent | Ident | Hail | Ack | Watch | FrequencyChange | Emergency | LostLink | Emcon | Sighting

TYPE_OF: dict[type[Message], MessageType] = {
    Position: MessageType.POSITION,
    Intent: MessageType.INTENT,
    Ident: MessageType.IDENT,
    Hail: MessageType.HAIL,
    Ack: MessageType.ACK,
    Watch: MessageType.WATCH,
    FrequencyChange: MessageType.FREQUENCY_CHANGE,
    Emergency: MessageType.EMERGENCY,
    LostLink: MessageType.LOST_LINK,
    Emcon: MessageType.EMCON,
    Sighting: MessageType.SIGHTING,
}


class Frame(NamedTuple):
    """A message with its header.

    `intent` is the serial of the intent in force (0: none). `time_us` is the instant of transmission in
    microseconds, modulo 1024 s of Unix time; `time_quality` 0 to 3 bounds its error (`TIME_BOUND_NS`).
    """

    source: int
    session: int
    sequence: int
    channel: int
    intent: int
    time_quality: int
    time_us: int
    message: Message
    flags: int = 0

    @property
    def key(self) -> FrameKey:
        return FrameKey(self.source, self.session, self.sequence)

    @property
    def type(self) -> MessageType:
        return TYPE_OF[type(self.message)]


TIME_PERIOD_US = 1024 * 1_000_000
TIME_BOUND_NS = {1: 100_000_000, 2: 10_000_000, 3: 1_000_000}
"""Greatest error of a frame's time by quality. Quality 0 claims nothing and has no bound."""


def stamp(at_ns: int) -> int:
    """The header's time for an instant (nanoseconds, UTC): microseconds modulo 1024 s."""
    return at_ns // 1000 % TIME_PERIOD_US


def instant_ns(time_us: int, near_ns: int) -> int:
    """The instant, in ns UTC, that a header's time means when it was heard near `near_ns` (within 512 s)."""
    difference = (time_us - near_ns // 1000 + TIME_PERIOD_US // 2) % TIME_PERIOD_US - TIME_PERIOD_US // 2
    return (near_ns // 1000 + difference) * 1000
