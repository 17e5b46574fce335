"""What may stand in a document of the ground line: one frozen model per kind of body, and the document around it.

Angles in degrees (WGS 84), heights in feet of pressure altitude, instants in nanoseconds of medium time (UTC since
1970), stations by their address in 6 hex digits. Bodies are strict: a number in quotes is no number.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from protocol.line.names import CLIENT_PATTERN, topic

HASH_BYTES = 8
NO_HASH = "00" * HASH_BYTES
"""In a manifest in place of a hash: a number that was given to a frame that did not go on the air."""
MOST_FRAMES = 1000
"""In one manifest; whoever sent more publishes several."""
LONGEST_FRAME_BYTES = 255
"""The longest frame that any link carries, well formed or not."""
MOST_COUNT = (1 << 63) - 1
"""Every whole number of a document is smaller or equal."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must have printable letters only")
    return text


Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Client = Annotated[str, Field(pattern=CLIENT_PATTERN)]
Station = Annotated[str, Field(pattern=r"^[0-9a-f]{6}$")]
ClauseId = Annotated[str, Field(pattern=r"^[0-9]{1,2}\.[0-9]{1,2}$")]
Subject = Annotated[str, Field(pattern=r"^[^/+#]{1,100}(/[^/+#]{1,100})?$"), AfterValidator(_printable)]
"""Of a verdict. It stands in the topic, where MQTT has a meaning of its own for "+" and "#"."""
Text = Annotated[str, Field(max_length=1000), AfterValidator(_printable)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
Count = Annotated[int, Field(ge=0, le=MOST_COUNT)]
Instant = Count
Feet = Annotated[float, Field(ge=-2000, le=200_000)]


class Body(BaseModel):
    """What a document says. Each kind has a class."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: ClassVar[str]
    retained: ClassVar[bool] = False
    """Whether the broker keeps the last document of each topic for those who connect later."""
    may_come_late: ClassVar[bool] = False
    """Whether an honest one may come long after others that were written later: retained ones do."""
    topic_fields: ClassVar[tuple[str, ...]] = ()
    """The fields that stand in the topic, after the sender."""
    by_monitors: ClassVar[bool] = False
    by_headquarters: ClassVar[bool] = True

    def topic_parts(self) -> tuple[str, ...]:
        """What tells the topics of this kind apart, after the sender."""
        return tuple(getattr(self, name) for name in self.topic_fields)


class Heartbeat(Body):
    """The client is there. Every 20 s, by every client (8.3)."""

    kind = "heartbeat"
    by_monitors = True


class Gone(Body):
    """The last will: the broker publishes it when it lost the client. Signed when the client connected, and so with
    the number and the instant of that."""

    kind = "gone"
    may_come_late = True
    by_monitors = True


class Volume(Body):
    """A box of airspace for a time: from `floor_ft` to `ceiling_ft`, from `from_ns` until before `until_ns`."""

    south_deg: Annotated[float, Field(ge=-90, le=90)]
    north_deg: Annotated[float, Field(ge=-90, le=90)]
    west_deg: Annotated[float, Field(ge=-180, le=180)]
    east_deg: Annotated[float, Field(ge=-180, le=180)]
    floor_ft: Feet
    ceiling_ft: Feet
    from_ns: Instant
    until_ns: Instant

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for low, high in (
            ("south_deg", "north_deg"),
            ("west_deg", "east_deg"),
            ("floor_ft", "ceiling_ft"),
            ("from_ns", "until_ns"),
        ):
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(f"{low} must be below {high}")
        return self


class Plan(Volume):
    """The flight of an uncrewed aircraft, by its party. While the other has not agreed it is only advised. An id is
    used once: who changes a plan withdraws it, and publishes another."""

    kind = "plan"
    retained = may_come_late = True
    topic_fields = ("id",)

    id: Id
    station: Station


class OfAPlan(Body):
    """Something about the plan `plan` that `owner` published."""

    topic_fields = ("owner", "plan")

    owner: Client
    plan: Id


class PlanAnswer(OfAPlan):
    """What the other party says to a plan."""

    kind = "plan_answer"
    retained = may_come_late = True

    result: Literal["agreed", "refused"]
    reason: Text = ""


class PlanWithdrawn(OfAPlan):
    """The plan holds no more: by its owner, or by the party that had agreed. For good."""

    kind = "plan_withdrawn"
    retained = may_come_late = True

    reason: Text = ""


class Area(Volume):
    """A closed area, notified by a party."""

    kind = "area"
    retained = may_come_late = True
    topic_fields = ("id",)

    id: Id


class AreaLifted(Body):
    """A closed area of the sender's own is open again, for good."""

    kind = "area_lifted"
    retained = may_come_late = True
    topic_fields = ("area",)

    area: Id


class Frequency(BaseModel):
    """One channel of a frequency plan."""

    model_config = Body.model_config

    number: Annotated[int, Field(ge=0, le=15)]
    name: Name
    frequency_mhz: Annotated[float, Field(ge=0.003, le=300_000)]
    use: Text = ""


class Frequencies(Body):
    """The frequency plan as a party uses it. A later one takes the place of an earlier one."""

    kind = "frequencies"
    retained = may_come_late = True

    channels: Annotated[tuple[Frequency, ...], Field(strict=False, min_length=1, max_length=16)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        numbers = [c.number for c in self.channels]
        if len(set(numbers)) < len(numbers):
            raise ValueError("channels names a number twice")
        return self


class Call(Body):
    """One headquarters calls another."""

    kind = "call"

    id: Id
    to: Client
    text: Text


class Answer(Body):
    """The answer to the call `call` of `to`."""

    kind = "answer"

    call: Id
    to: Client
    text: Text


class Incident(Body):
    """Something that both parties are to know of (8.4): what it was, between which stations, and when."""

    kind = "incident"

    what: Literal["too_close", "simulated_attack", "emergency"]
    clause: Literal["6.1", "6.6"] | None = None
    stations: Annotated[tuple[Station, ...], Field(strict=False, min_length=1, max_length=16)]
    at_ns: Instant
    text: Text = ""


class Manifest(Body):
    """All that a station of the sender's party put on the air from `from_ns` until before `until_ns` in one of its
    sessions: the numbers `first` to `last`, counted from the session's start and past 65,535 (the sequence in the
    frame is the number modulo 65,536). `hashes` has 8 bytes of each frame's SHA-256, in hex; `frames`, if there, the
    frames themselves. A number that did not go on the air has `NO_HASH`, and no bytes. `last` = `first` - 1 and no
    hash: nothing. What it sent in another session of that time stands
    in another manifest of the same time.
    """

    kind = "manifest"

    station: Station
    from_ns: Instant
    until_ns: Instant
    session: Annotated[int, Field(ge=0, le=254)]
    first: Annotated[int, Field(ge=0, le=1 << 40)]
    last: Annotated[int, Field(ge=-1, le=1 << 40)]
    hashes: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")], ...], Field(strict=False, max_length=MOST_FRAMES)
    ]
    frames: (
        Annotated[
            tuple[Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$", max_length=2 * LONGEST_FRAME_BYTES)], ...],
            Field(strict=False, max_length=MOST_FRAMES),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.from_ns >= self.until_ns:
            raise ValueError("from_ns must be below until_ns")
        if len(self.hashes) != self.last - self.first + 1:
            raise ValueError("hashes must have one entry for each number from first to last")
        if self.frames is not None:
            if len(self.frames) != len(self.hashes):
                raise ValueError("frames must have one entry for each number from first to last")
            if any(
                (hash_of(bytes.fromhex(f)).hex() if f else NO_HASH) != h
                for f, h in zip(self.frames, self.hashes, strict=True)
            ):
                raise ValueError("frames has a frame that its hash is not of")
        return self


class Verdict(Body):
    """What a monitor has reached so far of a clause for a subject; `counts` has the instances by outcome."""

    kind = "verdict"
    retained = may_come_late = True
    topic_fields = ("clause", "subject")
    by_monitors = True
    by_headquarters = False

    clause: ClauseId
    subject: Subject
    verdict: Literal["not_applicable", "not_exercised", "pass", "inconclusive", "fail"]
    counts: Annotated[dict[Literal["pass", "inconclusive", "fail", "pending", "excused"], Count], Field(max_length=5)]


KINDS: dict[str, type[Body]] = {
    body.kind: body
    for body in (
        Heartbeat,
        Gone,
        Plan,
        PlanAnswer,
        PlanWithdrawn,
        Area,
        AreaLifted,
        Frequencies,
        Call,
        Answer,
        Incident,
        Manifest,
        Verdict,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: who says what, under which agreement (its digest), and when.

    `session` rises with each start of the sender, `number` within the session, from 1. `digest` is the SHA-256, in
    hex, of the text that was received; empty for one that was not.
    """

    agreement: str
    sender: str
    session: int
    number: int
    at_ns: int
    body: Body
    digest: str = field(default="", compare=False)

    @property
    def kind(self) -> str:
        return self.body.kind

    @property
    def id(self) -> str:
        """What evidence calls it, such as `coalition/plan#3.17`: number 17 of session 3. No other has the same."""
        return f"{self.sender}/{self.kind}#{self.session}.{self.number}"

    @property
    def order(self) -> tuple[int, int]:
        """What rises from each document of a sender to its next."""
        return self.session, self.number

    @property
    def topic(self) -> str:
        return topic(self.agreement, self.kind, self.sender, self.body.topic_parts())


def hash_of(frame: bytes) -> bytes:
    """What a manifest has of a frame: the first 8 bytes of its SHA-256."""
    return sha256(frame).digest()[:HASH_BYTES]


def body_of(document: Document) -> dict[str, Any]:
    """A document's body as plain JSON values."""
    return document.body.model_dump(mode="json", exclude_none=True)
