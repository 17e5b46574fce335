"""A scenario file: who flies where, over which medium, under which agreement. Models, and what they must agree on."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from nodes.scenario_line import GroundLineEntry
from protocol.agreement import Area, Channel, Requirement, Share
from protocol.fields import is_call_sign
from protocol.messages import NOBODY
from protocol.terms import Model

FaultName = Literal[
    "stranger",
    "impersonation",
    "stale_agreement",
    "anonymous",
    "wrong_channel",
    "deaf_on_guard",
    "guard_chatter",
    "early_move",
    "wrong_fallback",
    "slot_thief",
    "babbler",
    "malformed",
    "loud",
    "silent",
    "replay",
    "bad_clock",
    "teleport",
    "spoofed_position",
    "vague",
    "overlong_emcon",
    "no_intent",
    "surprise_turn",
    "broken_promise",
    "too_close",
    "no_contact",
    "ignores_hail",
    "says_not_does",
    "plays_chicken",
    "simulated_attack",
    "lost_link_stray",
    "vague_mayday",
    "ignored_mayday",
    "talks_over",
    "uncoordinated_drone",
    "area_intruder",
    "dead_line",
    "cover_up",
    "forgery",
    "false_manifest",
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


StationRole = Literal["aircraft", "uncrewed", "ground", "monitor", "jammer"]


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
    drift_ppm: Annotated[float, Field(ge=-10_000, le=10_000)] = 0.0


class JamEntry(Model):
    """How a jammer jams: all the time, or `on_ms` in each `period_ms`; `from_start`, or when an event lets it."""

    channels: Annotated[tuple[int, ...], Field(min_length=1)]
    on_ms: Annotated[float, Field(ge=0.01, le=1000)] | None = None
    period_ms: Annotated[float, Field(ge=1, le=10_000)] | None = None
    from_start: bool = True

    @model_validator(mode="after")
    def _pulses(self) -> Self:
        if (self.on_ms is None) != (self.period_ms is None):
            raise ValueError("pulses have both on_ms and period_ms; without both it jams all the time")
        if len(set(self.channels)) < len(self.channels):
            raise ValueError("channels names one twice")
        if self.on_ms is not None and self.period_ms is not None and self.on_ms >= self.period_ms:
            raise ValueError("on_ms must be below period_ms")
        return self


class LostLinkEntry(Model):
    """An uncrewed aircraft's link is lost for a time, in which it flies a procedure: its waypoints must lead there."""

    from_s: Seconds
    until_s: Seconds
    procedure: Literal["hold", "orbit", "return", "continue", "land"] = "continue"
    point: tuple[Latitude, Longitude, Feet] | None = None
    radius_m: Annotated[int, Field(ge=0, le=65_534)] = 1_000

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if self.until_s <= self.from_s:
            raise ValueError("until_s must be later than from_s")
        if self.procedure != "continue" and self.point is None:
            raise ValueError(f"the procedure {self.procedure} needs a point")
        return self


class OrderEntry(Model):
    """A ground station's order: go to another channel, `effective_s` after it is sent."""

    at_s: Seconds
    station: str
    to_channel: int
    effective_s: Annotated[float, Field(ge=1, le=600)] = 15.0


IN_FLIGHT = {"avoid_s", "emcon_s", "distress_s", "keeps_clear"}
IDLE_KEYS: dict[str, set[str]] = {
    "monitor": {"slots", "errors", "power_dbm", "jam", "lost_link", "orders", *IN_FLIGHT},
    "jammer": {"slots", "errors", "noise_figure_db", "party", "lost_link", "orders", *IN_FLIGHT},
    "ground": {"jam", "lost_link", *IN_FLIGHT},
    "aircraft": {"jam", "lost_link", "orders"},
    "uncrewed": {"jam", "orders"},
}
DOES = {"monitor": "only listens", "jammer": "only jams", "ground": "stays where it is"}
"""What stations of each role have no use for."""


class StationEntry(Model):
    """One station: where it is (`waypoints`, `track` or `at`), whose it is, and what it does.

    It is ours, or flown by a class of the user's (`python`), by a program that the run starts (`command`), or by one
    that somebody else starts (`external`).
    """

    address: Address
    call_sign: CallSign
    party: str | None = None
    role: StationRole
    waypoints: tuple[Waypoint, ...] | None = None
    track: TrackRef | None = None
    at: tuple[Latitude, Longitude, Feet] | None = None
    slots: tuple[int, ...] | None = None
    errors: SensorErrors | None = None
    avoid_s: tuple[Seconds, Seconds] | None = None
    emcon_s: tuple[Seconds, Seconds] | None = None
    distress_s: tuple[Seconds, Seconds] | None = None
    lost_link: LostLinkEntry | None = None
    keeps_clear: bool = False
    orders: tuple[OrderEntry, ...] = ()
    power_dbm: Annotated[float, Field(ge=-100, le=100)] = 40.0
    gain_dbi: Annotated[float, Field(ge=-50, le=50)] = 0.0
    pattern: str | None = None
    noise_figure_db: Annotated[float, Field(ge=0, le=50)] = 10.0
    jam: JamEntry | None = None
    python: str | None = None
    command: tuple[str, ...] | None = None
    external: bool = False

    @property
    def foreign(self) -> bool:
        """Whether it is another program's: it flies and says where it is by itself."""
        return self.command is not None or self.external

    @property
    def flies(self) -> bool:
        """Whether it is an aircraft, crewed or not."""
        return self.role in ("aircraft", "uncrewed")

    @property
    def talks(self) -> bool:
        """Whether it is one of those that the agreement is about: neither a monitor nor a jammer."""
        return self.flies or self.role == "ground"

    @field_validator("emcon_s", "distress_s")
    @classmethod
    def _begins_before_it_ends(cls, span: tuple[float, float] | None) -> tuple[float, float] | None:
        if span is not None and span[0] >= span[1]:
            raise ValueError("begins before it ends: two times in seconds, the later one second")
        return span

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
        if made and not self.flies:
            raise ValueError(f"a {self.role} is always airaccord's own: remove {made[0]}")
        idle = sorted(self.model_fields_set & {"track", "errors", "lost_link", *IN_FLIGHT})
        if self.foreign and idle:
            raise ValueError(f"means nothing to a station that flies itself: remove {', '.join(idle)}")
        return self

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [n for n in ("waypoints", "track", "at") if getattr(self, n) is not None]
        placed = {"monitor": ["at"], "ground": ["at"], "jammer": ["at", "waypoints", "track"]}
        wanted = placed.get(self.role, ["waypoints", "track"])
        if self.foreign and not given:
            return self
        if len(given) != 1 or given[0] not in wanted:
            raise ValueError(f"a station of role {self.role} needs {' or '.join(wanted)}, one of them, given: {given}")
        idle = sorted(self.model_fields_set & IDLE_KEYS[self.role])
        if idle:
            article, does = (
                "an" if self.flies else "a",
                DOES.get(self.role, "does not do this"),
            )
            raise ValueError(f"{article} {self.role} {does}: remove {', '.join(idle)}")
        if self.role == "jammer" and self.jam is None:
            raise ValueError("a jammer needs jam, such as jam = { channels = [1] }")
        return self


class FaultEntry(Model):
    """One station breaks one clause, from `at_s` on for `for_s` (to the end if left out).

    `target` is the station that it flies at, or whose name it takes. `strength`: how much of it, where that can be
    said; 1 is plain enough to be found.
    """

    name: FaultName
    station: str
    at_s: Seconds = 0.0
    for_s: Seconds | None = None
    target: str | None = None
    strength: Annotated[float, Field(ge=0.01, le=100)] = 1.0


class PropagationEntry(Model):
    """How radio waves weaken with distance; see `radio.propagation` for the models."""

    model: Literal["free_space", "two_ray", "log_distance", "matrix", "python"] = "free_space"
    exponent: Annotated[float, Field(ge=1, le=10)] | None = None
    reference_m: Annotated[float, Field(ge=1, le=1e6)] | None = None
    shadowing_db: Annotated[float, Field(ge=0, le=60)] | None = None
    file: str | None = None
    python: str | None = None
    excess_db: Annotated[float, Field(ge=0, le=200)] | None = None

    @model_validator(mode="after")
    def _keys_of_its_model(self) -> Self:
        given = self.model_fields_set - {"model"}
        needed, allowed = KEYS_OF_MODEL[self.model]
        problems = [f"{self.model} needs {key}" for key in sorted(needed - given)]
        problems += [f"{self.model} has no use for {key}: remove it" for key in sorted(given - needed - allowed)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


KEYS_OF_MODEL: dict[str, tuple[set[str], set[str]]] = {
    "free_space": (set(), set()),
    "two_ray": (set(), set()),
    "log_distance": ({"exponent"}, {"reference_m", "shadowing_db"}),
    "matrix": ({"file"}, {"excess_db"}),
    "python": ({"python", "excess_db"}, set()),
}
"""What each model of propagation must be told, and what it may be told."""


class CurveEntry(Model):
    """How well frames are received at which SINR on one channel: a preset, or a CSV file of one's own."""

    channel: int
    preset: Literal["step", "vhf_25khz", "wide_1mbps"] | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.preset is None) == (self.file is None):
            raise ValueError("give either preset or file")
        return self


class MediumEntry(Model):
    """The radio: chance losses (`loss`: a probability per reception), propagation, and what receivers make of it.

    `capture`: a frame that overlaps others survives if it is stronger than all of them by `capture_db` (`margin`), if
    it came first (`first`), or not at all (`none`).
    """

    loss: Share = 0.0
    capture: Literal["margin", "first", "none"] = "margin"
    capture_db: Annotated[float, Field(ge=0, le=200)] = 10.0
    earth: Literal["4/3", "1", "none"] = "4/3"
    retune_ms: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    propagation: PropagationEntry = PropagationEntry()
    curve: tuple[CurveEntry, ...] = ()

    @model_validator(mode="after")
    def _margin_is_asked_for(self) -> Self:
        if self.capture != "margin" and "capture_db" in self.model_fields_set:
            raise ValueError(f'capture = "{self.capture}" has no use for capture_db: remove it')
        return self


class EventEntry(Model):
    """Something that changes at an instant: for one station, or (`loss`) for the whole medium."""

    at_s: Seconds
    station: str | None = None
    power_dbm: Annotated[float, Field(ge=-100, le=100)] | None = None
    loss: Share | None = None
    channels: tuple[int, ...] | None = None
    jamming: bool | None = None
    on_air: bool | None = None

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        changes = sorted(self.model_fields_set - {"at_s", "station"})
        if len(changes) != 1:
            raise ValueError(
                f"an event changes one thing (power_dbm, loss, channels, jamming or on_air), given: {changes}"
            )
        if (self.loss is None) != (self.station is not None):
            raise ValueError("loss is the whole medium's and has no station, everything else is a station's: name it")
        return self


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
    ground_line: GroundLineEntry | None = None
    station: Annotated[tuple[StationEntry, ...], Field(min_length=1)]
    fault: tuple[FaultEntry, ...] = ()
    event: tuple[EventEntry, ...] = ()
    require: dict[str, Requirement] = Field(default_factory=dict)
