"""The `[ground_line]` table of a scenario: what the headquarters have to say to each other, and when the line fails."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from protocol.terms import Model

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Instant = Annotated[float, Field(allow_inf_nan=False, ge=-7 * 86_400)]
"""Seconds after the scenario's start; negative: before it, and kept by the broker."""
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Feet = Annotated[float, Field(ge=-2000, le=200_000)]


class VolumeEntry(Model):
    """A box of airspace for a time, and when the headquarters that it is about publishes it."""

    id: Id
    south_deg: Annotated[float, Field(ge=-90, le=90)]
    north_deg: Annotated[float, Field(ge=-90, le=90)]
    west_deg: Annotated[float, Field(ge=-180, le=180)]
    east_deg: Annotated[float, Field(ge=-180, le=180)]
    floor_ft: Feet
    ceiling_ft: Feet
    from_s: Instant
    until_s: Instant
    at_s: Instant = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for low, high in (
            ("south_deg", "north_deg"),
            ("west_deg", "east_deg"),
            ("floor_ft", "ceiling_ft"),
            ("from_s", "until_s"),
        ):
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(f"{low} must be below {high}")
        return self


class PlanEntry(VolumeEntry):
    """The plan of an uncrewed flight, and what the other party says to it."""

    station: str
    answer: Literal["agreed", "refused", "none"] = "agreed"
    withdrawn_s: Instant | None = None
    """When its owner withdraws it, if at all."""


class AreaEntry(VolumeEntry):
    """A closed area, by the party that closes it."""

    party: str
    lifted_s: Instant | None = None


class CallEntry(Model):
    """A call on the line from one headquarters to the other."""

    at_s: Seconds
    party: str
    text: Annotated[str, Field(max_length=1000)]


class OutageEntry(Model):
    """The broker is down for a time. Only in virtual time: a real one goes down by itself."""

    from_s: Seconds
    until_s: Seconds

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.until_s <= self.from_s:
            raise ValueError("until_s must be later than from_s")
        return self


class CutEntry(OutageEntry):
    """A client of the line, by its call sign, is cut off from the broker for a time. Only in virtual time, too."""

    station: str


class GroundLineEntry(Model):
    """The line itself. `keys` is a TOML file of public keys; the private key of each client is a file beside it that is
    called as the client, with `.pem`. Left out: the test keys that ship, which everybody knows. `discloses`: manifests
    have the frames themselves, beside their hashes."""

    keys: str | None = None
    broker: str | None = None
    discloses: bool = True
    plan: tuple[PlanEntry, ...] = ()
    area: tuple[AreaEntry, ...] = ()
    call: tuple[CallEntry, ...] = ()
    cut: tuple[CutEntry, ...] = ()
    outage: tuple[OutageEntry, ...] = ()
