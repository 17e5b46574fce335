"""The terms that both parties signed, and the annexes to them. Models only; files are read in `nodes.flight`.

The parameters of a clause stand under the clause's id. None has a default: every number that judges somebody is
written in the agreement, and is therefore in its digest. A clause that is left out is switched off.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from protocol.line.names import CLIENT_PATTERN
from protocol.messages import MAX_FRAME_BYTES, NOBODY
from protocol.terms import Bounds, Clauses, Model, Positive, contradictions

PublicKeys = dict[
    Annotated[str, Field(pattern=CLIENT_PATTERN)],
    Annotated[str, Field(pattern="^[0-9a-f]{64}$")],
]
Share = Annotated[float, Field(ge=0, le=1)]
Role = Literal["aircraft", "uncrewed", "ground", "monitor"]

ACCESS_KEYS = (
    "slot_ms",
    "slots",
    "shared_slots",
    "slots_per_station",
    "backoff_ms",
    "backoff_slots",
    "attempts",
)
KEYS_OF_ACCESS: dict[str, set[str]] = {
    "tdma": {"slot_ms", "slots", "shared_slots", "slots_per_station"},
    "slotted_aloha": {"slot_ms", "slots"},
    "aloha": set(),
    "csma": {"backoff_ms", "backoff_slots", "attempts"},
}
"""The keys that a channel of each access rule needs."""


class Party(Model):
    """A signatory and the members whose aircraft fly under its signature."""

    name: Annotated[str, Field(min_length=1)]
    members: tuple[str, ...] = ()


class Channel(Model):
    """A named frequency, and how stations take turns on it.

    `tdma`: reserved slots for periodic frames, shared ones for calls. `slotted_aloha`: slots that belong to nobody.
    `aloha`: no slots, anybody at any time. `csma`: the same, but whoever finds the channel busy backs off for one to
    `backoff_slots` times `backoff_ms`, and gives up after `attempts`.
    """

    number: Annotated[int, Field(ge=0, le=15)]
    name: Annotated[str, Field(min_length=1)]
    frequency_mhz: Annotated[float, Field(ge=0.003, le=300_000)]
    bandwidth_khz: Annotated[float, Field(ge=0.001, le=10_000_000)]
    bit_rate_bps: Annotated[float, Field(ge=1, le=1e10)]
    access: Literal["tdma", "slotted_aloha", "aloha", "csma"]
    slot_ms: Positive | None = None
    slots: Annotated[int, Field(ge=1)] | None = None
    shared_slots: tuple[int, ...] = ()
    slots_per_station: Annotated[int, Field(ge=1)] | None = None
    backoff_ms: Positive | None = None
    backoff_slots: Annotated[int, Field(ge=1, le=1024)] | None = None
    attempts: Annotated[int, Field(ge=1, le=100)] | None = None
    guard: bool = False
    """Whether everybody listens here, and it is kept free for calls and distress (2.2, 2.3)."""

    @property
    def slotted(self) -> bool:
        """Whether frames are to start with slots."""
        return self.slot_ms is not None

    @property
    def longest_hold_ns(self) -> int:
        """How long carrier sense may hold a frame back before it starts."""
        if self.backoff_ms is None or self.backoff_slots is None or self.attempts is None:
            return 0
        return round(self.backoff_ms * 1e6) * self.backoff_slots * (self.attempts - 1)

    @model_validator(mode="after")
    def _keys_of_its_access(self) -> Self:
        given = {name for name in ACCESS_KEYS if getattr(self, name)}
        needed = KEYS_OF_ACCESS[self.access]
        article = "an" if self.access == "aloha" else "a"
        problems = []
        if needed - given:
            problems.append(f"{article} {self.access} channel needs {', '.join(k for k in ACCESS_KEYS if k in needed)}")
        if idle := given - needed:
            told = ", ".join(k for k in ACCESS_KEYS if k in idle)
            problems.append(f"{article} {self.access} channel has no use for {told}: remove")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _slots_fit(self) -> Self:
        if self.slots is not None and not all(0 <= s < self.slots for s in self.shared_slots):
            raise ValueError(f"shared_slots must lie between 0 and {self.slots - 1}")
        if list(self.shared_slots) != sorted(set(self.shared_slots)):
            raise ValueError("shared_slots must name slots each once and in rising order")
        if self.slot_ms is not None and self.slot_ms < (need_ms := MAX_FRAME_BYTES * 8000 / self.bit_rate_bps):
            raise ValueError(
                f"the longest frame takes {need_ms:.2f} ms at {self.bit_rate_bps:g} b/s; slot_ms is shorter"
            )
        if self.slot_ms is not None and self.slots is not None and 1000 % (self.slot_ms * self.slots):
            raise ValueError("slot_ms x slots must divide one second")
        return self


class Requirement(Model):
    """What a clause must have shown for exit code 0: that it was exercised, and the least decided share."""

    exercised: bool = True
    decided: Share = 0.0


class Agreement(Model):
    """The whole file."""

    title: Annotated[str, Field(min_length=1)]
    version: Annotated[str, Field(min_length=1)]
    in_force_from: datetime
    in_force_until: datetime | None = None
    party: Annotated[tuple[Party, ...], Field(min_length=2, max_length=2)]
    channel: Annotated[tuple[Channel, ...], Field(min_length=1)]
    bounds: Bounds
    clause: Clauses
    require: dict[str, Requirement] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = []
        for what, values in (
            ("party name", [p.name for p in self.party]),
            ("channel number", [str(c.number) for c in self.channel]),
            ("channel name", [c.name for c in self.channel]),
        ):
            problems += [f"{what} {v} is given twice" for v in dict.fromkeys(values) if values.count(v) > 1]
        if self.in_force_from.tzinfo is None or (self.in_force_until and self.in_force_until.tzinfo is None):
            problems.append("in_force_from and in_force_until need a time zone, such as 2015-10-20T00:00:00Z")
        elif self.in_force_until is not None and self.in_force_until <= self.in_force_from:
            problems.append("in_force_until must be later than in_force_from")
        known = {field.alias for field in Clauses.model_fields.values()}
        problems += [f"require names clause {c!r}, which does not exist" for c in self.require if c not in known]
        problems += contradictions(self.clause, self.bounds, self.channel)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def in_force(self, at: datetime) -> bool:
        """Whether the agreement is in force at an instant."""
        return self.in_force_from <= at and (self.in_force_until is None or at < self.in_force_until)

    def digest(self) -> str:
        """SHA-256, in hex, over the canonical JSON of the terms (comments and `require` are no terms)."""
        return digest(self.terms())

    def terms(self) -> dict[str, Any]:
        """What was agreed, as plain JSON values."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"require"})


class Station(Model):
    """One entry of the register: who has this address."""

    address: Annotated[int, Field(ge=1, lt=NOBODY)]
    call_sign: str
    party: str | None
    role: Role


class Area(Model):
    """Where the duties of the agreement hold: a box in latitude and longitude."""

    south_deg: Annotated[float, Field(ge=-90, le=90)]
    north_deg: Annotated[float, Field(ge=-90, le=90)]
    west_deg: Annotated[float, Field(ge=-180, le=180)]
    east_deg: Annotated[float, Field(ge=-180, le=180)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.south_deg >= self.north_deg or self.west_deg >= self.east_deg:
            raise ValueError("south_deg must be below north_deg, and west_deg below east_deg")
        return self


class Annexes(Model):
    """What belongs to the agreement and changes more often: register of stations, slot table, area.

    `slots` gives each address its reserved slots, by channel number; `keys` each client of the ground line its public
    Ed25519 key, in hex.
    """

    version: str
    register_: tuple[Station, ...] = Field(alias="register")
    slots: dict[int, dict[int, tuple[int, ...]]] = Field(default_factory=dict)
    area: Area | None = None
    keys: PublicKeys = Field(default_factory=dict)

    def station(self, address: int) -> Station | None:
        """The register's entry for an address."""
        return next((s for s in self.register_ if s.address == address), None)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values. Without keys as before there were any: recordings of that time keep their digests."""
        unsaid = None if self.keys else {"keys"}
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=unsaid)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256, in hex, over the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def utc_text(at_ns: int) -> str:
    """An instant as ISO 8601 in UTC, to the microsecond."""
    second, rest = divmod(at_ns, 1_000_000_000)
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest // 1000:06d}Z"
