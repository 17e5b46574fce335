"""A scenario file: who flies where, over which medium, under which agreement. Models, and what they must agree on."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from protocol.agreement import Area, Channel, Model, Requirement, Role, Share
from protocol.fields import is_call_sign
from protocol.messages import NOBODY

FaultName = Literal[
    "stranger",
    "anonymous",
    "wrong_channel",
    "slot_thief",
    "silent",
    "teleport",
    "no_intent",
    "too_close",
    "no_contact",
    "ignores_hail",
]


def _address(value: object) -> int:
    if isinstance(value, str) and len(value) == 6:
        try:
            number = int(value, 16)
        except ValueError:
            number = 0
        if 0 < number < NOBODY:
            return number
    raise ValueError("an address is six hex digits in quotes, 000001 to fffffe")


def _call_sign(value: object) -> str:
    if isinstance(value, str) and value and is_call_sign(value):
        return value
    raise ValueError("a call sign is 1 to 8 of A-Z, 0-9 and inner spaces")


Address = Annotated[int, BeforeValidator(_address)]
CallSign = Annotated[str, BeforeValidator(_call_sign)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-85, le=85)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Feet = Annotated[float, Field(ge=-1_000, le=100_000)]
Waypoint = tuple[Annotated[float, Field(allow_inf_nan=False)], Latitude, Longitude, Feet]
Metres = Annotated[float, Field(ge=-10_000, le=10_000)]


class TrackRef(Model):
    """A recorded track: a CSV file, and whose rows in it."""

    file: str
    icao24: str


class SensorErrors(Model):
    """How wrong an aircraft's own instruments are, all the time. Left out: small, and drawn from the seed."""

    north_m: Metres = 0.0
    east_m: Metres = 0.0
    altitude_ft: Annotated[float, Field(ge=-500, le=500)] = 0.0
    clock_us: Annotated[float, Field(ge=-60e6, le=60e6)] = 0.0


class StationEntry(Model):
    """One station: where it is (`waypoints`, `track` or `at`), whose it is, and what it does.

    It is ours, or flown by a class of the user's (`python`), by a program that the run starts (`command`), or by one
    that somebody else starts (`external`).
    """

    address: Address
    call_sign: CallSign
    party: str | None = None
    role: Role
    waypoints: tuple[Waypoint, ...] | None = None
    track: TrackRef | None = None
    at: tuple[Latitude, Longitude, Feet] | None = None
    slots: tuple[int, ...] | None = None
    errors: SensorErrors | None = None
    avoid_s: tuple[Seconds, Seconds] | None = None
    power_dbm: Annotated[float, Field(ge=-100, le=100)] = 40.0
    python: str | None = None
    command: tuple[str, ...] | None = None
    external: bool = False

    @property
    def foreign(self) -> bool:
        """Whether it is another program's: it flies and says where it is by itself."""
        return self.command is not None or self.external

    @field_validator("command", mode="before")
    @classmethod
    def _words(cls, command: object) -> object:
        if not isinstance(command, list | tuple) or not command:
            raise ValueError('a list of words, such as ["python3", "my_station.py"]')
        return command

    @model_validator(mode="after")
    def _one_maker(self) -> Self:
        made = [name for name in ("python", "command", "external") if getattr(self, name)]
        if len(made) > 1:
            raise ValueError(f"a station is flown by one of python, command and external, given: {', '.join(made)}")
        if made and self.role == "monitor":
            raise ValueError(f"a monitor is always airaccord's own: remove {made[0]}")
        idle = sorted(self.model_fields_set & {"track", "avoid_s", "errors"})
        if self.foreign and idle:
            raise ValueError(f"means nothing to a station that flies itself: remove {', '.join(idle)}")
        return self

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [n for n in ("waypoints", "track", "at") if getattr(self, n) is not None]
        wanted = ["at"] if self.role == "monitor" else ["waypoints", "track"]
        if self.foreign and not given:
            return self
        if len(given) != 1 or given[0] not in wanted:
            raise ValueError(f"a station of role {self.role} needs {' or '.join(wanted)}, one of them, given: {given}")
        idle = sorted(self.model_fields_set & {"slots", "avoid_s", "errors", "power_dbm"})
        if self.role == "monitor" and idle:
            raise ValueError(f"a monitor only listens: remove {', '.join(idle)}")
        return self


class FaultEntry(Model):
    """One station breaks one clause, from `at_s` on for `for_s` (to the end if left out).

    `target` is the station that `too_close` flies at.
    """

    name: FaultName
    station: str
    at_s: Seconds = 0.0
    for_s: Seconds | None = None
    target: str | None = None


class MediumEntry(Model):
    """The channel's chance losses (`loss`: a probability per reception) and its capture margin."""

    loss: Share = 0.0
    capture_db: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10.0


class Scenario(Model):
    """The whole file. `start` has no default: the agreement must be in force, whatever today is."""

    title: Annotated[str, Field(min_length=1)]
    agreement: str
    start: datetime
    duration_s: Annotated[float, Field(gt=0, le=7 * 86_400)]
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 1
    medium: MediumEntry = MediumEntry()
    area: Area | None = None
    unagreed_channel: tuple[Channel, ...] = ()
    station: Annotated[tuple[StationEntry, ...], Field(min_length=1)]
    fault: tuple[FaultEntry, ...] = ()
    require: dict[str, Requirement] = Field(default_factory=dict)
