"""The parameters of each clause, as the agreement file gives them under the clause's id, and the bounds. Models only.

None has a default: every number that judges somebody is written in the agreement, and is therefore in its digest.
"""

from collections.abc import Sequence
from typing import Annotated, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Model(BaseModel):
    """A frozen table of a TOML file; a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Regular(Model):
    """Something that is sent every `every_s`, and must come within `limit_s`."""

    every_s: Positive
    limit_s: Positive

    @model_validator(mode="after")
    def _room_for_a_lost_one(self) -> Self:
        if self.limit_s <= self.every_s:
            raise ValueError("limit_s must be larger than every_s")
        return self


class IdentTerms(Regular):
    """1.4"""


class GuardTerms(Model):
    """2.3: how long after a call or an answer of its own a station may send other frames on a guard channel."""

    after_s: Positive


class PowerTerms(Model):
    """3.4: the greatest power that a station may radiate."""

    power_dbm: Annotated[float, Field(ge=-100, le=100)]


class TimeTerms(Model):
    """4.3: how wrong the time in a frame may be, on channels with slots and on those without."""

    slotted_ms: Positive
    unslotted_ms: Positive


class ShareTerms(Model):
    """3.2: the share of any `window_s` that a station may fill on a channel without slots."""

    share: Annotated[float, Field(gt=0, le=1)]
    window_s: Annotated[float, Field(gt=0, le=300)]


class AccuracyTerms(Model):
    """4.6: the least NACp, and for how long most reports may be worse."""

    nacp: Annotated[int, Field(ge=1, le=11)]
    for_s: Annotated[float, Field(gt=0, le=300)]


class SlotTerms(Model):
    """3.1: how far outside its slot a frame may reach."""

    margin_ms: Annotated[float, Field(ge=0)]


class ReportTerms(Regular):
    """4.1"""


class PossibleTerms(Model):
    """4.4: what no aircraft exceeds."""

    speed_kt: Positive
    acceleration_g: Positive
    vertical_rate_fpm: Positive


class IntentTerms(Model):
    """5.1"""

    grace_s: Positive


class DistanceTerms(Model):
    """6.1: below both distances for longer than `for_s` is too close."""

    safe_distance_nm: Positive
    safe_altitude_ft: Positive
    for_s: Positive


class ContactTerms(Model):
    """6.2: the party named first calls within `first_s`; else the other within `second_s`."""

    ring_nm: Positive
    first_s: Positive
    second_s: Positive


class AnswerTerms(Model):
    """6.3"""

    limit_s: Positive
    calls: Annotated[int, Field(ge=1)]


class TuneTerms(Model):
    """2.4: how much before or after its time a change of frequency may be made."""

    tolerance_s: Annotated[float, Field(ge=0.1, le=60)]


class OrderTerms(Model):
    """2.5: the channels, by number, on which a call is tried one after the other."""

    order: Annotated[tuple[int, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.order)) < len(self.order):
            raise ValueError("order names a channel twice")
        return self


class EmconTerms(Model):
    """4.7: how long an announced silence may last, and how long before it must be announced."""

    longest_s: Annotated[float, Field(gt=0, le=65_534)]
    notice_s: Annotated[float, Field(ge=0, le=3600)]


class ManoeuvreTerms(Model):
    """5.2: how long before a manoeuvre its INTENT comes, and what change of track is one."""

    notice_s: Annotated[float, Field(gt=0, le=60)]
    turn_deg: Annotated[float, Field(gt=0, lt=90)]


class TubeTerms(Model):
    """5.3: how near in place, height and time a flight stays to what it declared."""

    within_nm: Positive
    within_ft: Positive
    within_s: Annotated[float, Field(ge=0, le=600)]


class PhraseTerms(Model):
    """6.4: in what time a wrong answer is put right, and a WILCO done."""

    limit_s: Annotated[float, Field(gt=0, le=300)]


class ConflictTerms(Model):
    """6.5: a loss of the safe distance predicted no more than `look_s` ahead is acted on within `limit_s`, or
    `before_s` before it, whichever is later."""

    limit_s: Positive
    before_s: Annotated[float, Field(ge=0, le=600)]
    look_s: Annotated[float, Field(gt=0, le=600)]


class AttackTerms(Model):
    """6.6: what is a simulated attack: nearer than both distances, closing faster than `closing_kt`, the nose within
    `nose_deg` of the other for `for_s` by turning, where straight flight would have been off by `drift_deg`."""

    within_nm: Positive
    within_ft: Positive
    closing_kt: Positive
    nose_deg: Annotated[float, Field(gt=0, lt=90)]
    drift_deg: Annotated[float, Field(gt=0, lt=90)]
    for_s: Annotated[float, Field(gt=0, le=300)]


class LostLinkTerms(Model):
    """6.7: in what time a lost link is said, and how far the flight may move away from its procedure's point."""

    since_s: Annotated[float, Field(gt=0, le=600)]
    within_nm: Positive


class DistressTerms(Model):
    """7.2: in what time the ground station of that call sign answers an EMERGENCY."""

    limit_s: Positive
    station: Annotated[str, Field(min_length=1, max_length=8)]


class PlanTerms(Model):
    """8.1: how long before and after its times a plan still covers a flight, and a withdrawn one the flight in it."""

    margin_s: Annotated[float, Field(ge=0, le=86_400)]


class AreaTerms(Model):
    """8.2: how long before it begins the closing of an area is notified."""

    notice_s: Annotated[float, Field(ge=0, le=30 * 86_400)]


class LineTerms(Regular):
    """8.3: how often a headquarters says that it is there, and in what time it answers a call on the line."""

    answer_s: Positive

    @model_validator(mode="after")
    def _several_in_the_limit(self) -> Self:
        if self.limit_s < 2 * self.every_s:
            raise ValueError("limit_s must be at least twice every_s: witnesses are seen all along by it")
        return self


class IncidentTerms(Model):
    """8.4: in what time an incident is reported on the line."""

    limit_s: Positive


class ManifestTerms(Model):
    """9.1: how often a party publishes what its stations sent, and how long the monitor waits for it."""

    every_s: Annotated[float, Field(ge=1, le=60)]
    wait_s: Annotated[float, Field(gt=0, le=300)]

    @model_validator(mode="after")
    def _waits_for_the_next(self) -> Self:
        if self.wait_s <= self.every_s:
            raise ValueError("wait_s must be larger than every_s")
        return self


class Bounds(Model):
    """How good an honest report is where the frame itself does not say: altimetry within `altimetry_ft`, and frames
    heard from no further than `range_nm`. Nothing is received stronger than free space makes it by more than
    `excess_db`, antennas of the receiver included, and no aircraft radiates more than `most_power_dbm`."""

    altimetry_ft: Annotated[float, Field(ge=0)]
    range_nm: Positive
    excess_db: Annotated[float, Field(ge=0, le=200)] | None = None
    most_power_dbm: Annotated[float, Field(ge=-100, le=200)] | None = None


class NoTerms(Model):
    """A clause without numbers."""


class Clauses(Model):
    """The clauses in force, by id. A missing one is switched off."""

    c0_1: NoTerms | None = Field(default=None, alias="0.1")
    c1_1: NoTerms | None = Field(default=None, alias="1.1")
    c1_2: NoTerms | None = Field(default=None, alias="1.2")
    c1_3: NoTerms | None = Field(default=None, alias="1.3")
    c1_4: IdentTerms | None = Field(default=None, alias="1.4")
    c2_1: NoTerms | None = Field(default=None, alias="2.1")
    c2_2: NoTerms | None = Field(default=None, alias="2.2")
    c2_3: GuardTerms | None = Field(default=None, alias="2.3")
    c2_4: TuneTerms | None = Field(default=None, alias="2.4")
    c2_5: OrderTerms | None = Field(default=None, alias="2.5")
    c3_1: SlotTerms | None = Field(default=None, alias="3.1")
    c3_2: ShareTerms | None = Field(default=None, alias="3.2")
    c3_3: NoTerms | None = Field(default=None, alias="3.3")
    c3_4: PowerTerms | None = Field(default=None, alias="3.4")
    c4_1: ReportTerms | None = Field(default=None, alias="4.1")
    c4_2: NoTerms | None = Field(default=None, alias="4.2")
    c4_3: TimeTerms | None = Field(default=None, alias="4.3")
    c4_4: PossibleTerms | None = Field(default=None, alias="4.4")
    c4_5: NoTerms | None = Field(default=None, alias="4.5")
    c4_6: AccuracyTerms | None = Field(default=None, alias="4.6")
    c4_7: EmconTerms | None = Field(default=None, alias="4.7")
    c5_1: IntentTerms | None = Field(default=None, alias="5.1")
    c5_2: ManoeuvreTerms | None = Field(default=None, alias="5.2")
    c5_3: TubeTerms | None = Field(default=None, alias="5.3")
    c6_1: DistanceTerms | None = Field(default=None, alias="6.1")
    c6_2: ContactTerms | None = Field(default=None, alias="6.2")
    c6_3: AnswerTerms | None = Field(default=None, alias="6.3")
    c6_4: PhraseTerms | None = Field(default=None, alias="6.4")
    c6_5: ConflictTerms | None = Field(default=None, alias="6.5")
    c6_6: AttackTerms | None = Field(default=None, alias="6.6")
    c6_7: LostLinkTerms | None = Field(default=None, alias="6.7")
    c7_1: NoTerms | None = Field(default=None, alias="7.1")
    c7_2: DistressTerms | None = Field(default=None, alias="7.2")
    c7_3: NoTerms | None = Field(default=None, alias="7.3")
    c8_1: PlanTerms | None = Field(default=None, alias="8.1")
    c8_2: AreaTerms | None = Field(default=None, alias="8.2")
    c8_3: LineTerms | None = Field(default=None, alias="8.3")
    c8_4: IncidentTerms | None = Field(default=None, alias="8.4")
    c9_1: ManifestTerms | None = Field(default=None, alias="9.1")

    def of(self, clause: str) -> Model | None:
        """The terms of a clause by its id; None if it is switched off."""
        terms: Model | None = getattr(self, f"c{clause.replace('.', '_')}")
        return terms


NEEDS = {
    "3.4": {"4.4": "nobody moves faster than it allows"},
    "4.5": {"4.4": "nobody moves faster than it allows"},
    "4.7": {"4.1": "what comes too late after a silence is measured by it"},
    "5.2": {"5.1": "it is about the INTENT in force"},
    "5.3": {"5.1": "it is about the INTENT in force"},
    "6.1": {"4.4": "between reports nobody moves faster than 4.4 allows"},
    "6.4": {"4.1": "a WILCO is seen in reports", "4.4": "and in how far they can be from a straight path"},
    "6.5": {"6.1": "it is about the loss of that distance"},
    "6.6": {"4.4": "between reports nobody moves faster than 4.4 allows"},
    "6.7": {"4.4": "between reports nobody moves faster than 4.4 allows"},
    "8.4": {"8.3": "who is not on the line cannot report on it"},
}
"""Which clauses cannot be judged without which others, and why."""


class ChannelRules(Protocol):
    """What the terms of a clause must know of a channel."""

    @property
    def number(self) -> int: ...
    @property
    def guard(self) -> bool: ...
    @property
    def slotted(self) -> bool: ...


def contradictions(c: Clauses, bounds: Bounds, channels: Sequence[ChannelRules]) -> list[str]:
    """What terms ask for and is not there, or what cannot hold together: each with the keys."""
    problems = [
        f'clause."{clause}" needs clause."{needed}": {why}'
        for clause, needs in NEEDS.items()
        for needed, why in needs.items()
        if c.of(clause) and not c.of(needed)
    ]
    if c.c6_1 and c.c6_2 and c.c6_2.ring_nm <= c.c6_1.safe_distance_nm:
        problems.append(
            f'clause."6.2".ring_nm ({c.c6_2.ring_nm:g}) must be larger than '
            f'clause."6.1".safe_distance_nm ({c.c6_1.safe_distance_nm:g})'
        )
    if c.c6_5 and c.c6_5.before_s >= c.c6_5.look_s:
        problems.append(
            f'clause."6.5".before_s ({c.c6_5.before_s:g}) must be less than clause."6.5".look_s ({c.c6_5.look_s:g})'
        )
    if c.c4_7 and c.c4_1 and c.c4_7.longest_s <= c.c4_1.limit_s:
        problems.append(
            f'clause."4.7".longest_s ({c.c4_7.longest_s:g}) must be larger than '
            f'clause."4.1".limit_s ({c.c4_1.limit_s:g}): nobody need announce less'
        )
    if c.c2_5:
        numbers = {channel.number for channel in channels}
        problems += [
            f'clause."2.5".order names channel {n}, which is not agreed' for n in c.c2_5.order if n not in numbers
        ]
    guarded = any(channel.guard for channel in channels)
    for clause in ("2.2", "2.3"):
        if c.of(clause) and not guarded:
            problems.append(f'clause."{clause}" needs a [[channel]] with guard = true')
    if (c.c3_4 or c.c4_5) and bounds.excess_db is None:
        problems.append('clause."3.4" and clause."4.5" need bounds.excess_db')
    if c.c4_5 and bounds.most_power_dbm is None:
        problems.append('clause."4.5" needs bounds.most_power_dbm')
    if c.c3_2 and all(channel.slotted for channel in channels):
        problems.append('clause."3.2" needs a [[channel]] without slots: it is about no other')
    return problems
