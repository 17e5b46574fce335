"""One frame at all stations at once: what holds at its start, and what other frames then do to it.

Pure functions over numpy arrays with one row for each station, by rising address. `radio.medium` keeps the arrays in
step with the stations that are there, and is the place to import the public names from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radio import draws, propagation

NO_RIVAL = -1
FARTHEST_M = 13_000_000.0
"""No two stations are further apart on this earth; one whose place was drawn out for ever delays nobody's frames."""
_FADING = 1  # the purpose of the draw that decides random loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A frequency shared by all who tune to it. Channels do not disturb one another."""

    number: int
    frequency_hz: float
    bandwidth_hz: float
    bit_rate_bps: float


class Transmission(NamedTuple):
    """Bytes put on the air. (source, session, sequence) is the key of the random draws."""

    source: int
    session: int
    sequence: int
    channel: int
    start_ns: int
    data: bytes


class Outcome(StrEnum):
    """What became of one frame at one receiver. Where several causes hold, the first in this order is named."""

    NOT_TUNED = "not_tuned"
    HALF_DUPLEX = "half_duplex"
    BEYOND_HORIZON = "beyond_horizon"
    BELOW_SENSITIVITY = "below_sensitivity"
    COLLISION = "collision"
    FADED = "faded"
    RECEIVED = "received"


_OUTCOMES = np.array(list(Outcome), dtype=np.object_)
_COLLISION = list(Outcome).index(Outcome.COLLISION)

# A frame at one station, as far as it is known at the frame's start. (Aligned, for numpy would copy unaligned fields.)
FRAME_ROW = np.dtype(
    [
        ("hears", "?"),  # has an outcome at all: not the source, and on the air at the start
        ("not_tuned", "?"),
        ("beyond_horizon", "?"),
        ("below_sensitivity", "?"),
        ("faded", "?"),
        ("arrival_ns", "i8"),
        ("power_dbm", "f8"),
        ("interference_mw", "f8"),  # what it does to other frames: nothing beyond the horizon
    ],
    align=True,
)


def station_row(n_channels: int) -> np.dtype[Any]:
    """A station as an array row, with its sensitivity and tuning by channel. One not yet placed is not on the air."""
    return np.dtype(
        [
            ("address", "i8"),
            ("power_dbm", "f8"),
            ("gain_dbi", "f8"),
            ("least_dbm", "f8", (n_channels,)),
            ("tuned", "?", (n_channels,)),
            ("placed", "?"),
            ("placed_ns", "i8"),
            ("position_m", "f8", (3,)),
            ("velocity_mps", "f8", (3,)),
            ("height_m", "f8"),
        ],
        align=True,
    )


@dataclass(slots=True)
class Frame:
    """A transmission that has started. `rows` (of FRAME_ROW) change as stations come and go, until it is `done`."""

    sent: Transmission
    airtime_ns: int
    due_ns: int
    rows: NDArray[Any]
    done: bool = False


class Clashes(NamedTuple):
    """For each row: busy transmitting itself, drowned by other frames, and the address of the strongest of these."""

    half_duplex: NDArray[np.bool_]
    collision: NDArray[np.bool_]
    rivals: NDArray[np.int64]


def rows_at_start(
    sent: Transmission, channel: Channel, column: int, stations: NDArray[Any], source: int, seed: int, loss: float
) -> NDArray[Any]:
    """The frame at every station (FRAME_ROW), by the geometry of its start.

    `column` is the channel's place in the stations' `least_dbm` and `tuned`, `source` the sender's row.
    """
    elapsed_s = (sent.start_ns - stations["placed_ns"]) * 1e-9
    positions_m = stations["position_m"] + stations["velocity_mps"] * elapsed_s[:, None]
    away_m = positions_m - positions_m[source]
    # Term by term: a sum over an axis may be added up in another order on another processor.
    distance_m = np.sqrt(away_m[:, 0] ** 2 + away_m[:, 1] ** 2 + away_m[:, 2] ** 2)
    horizon_m = propagation.radio_horizon_m(stations["height_m"][source], stations["height_m"])
    effective_dbm = stations["power_dbm"][source] + stations["gain_dbi"][source] + stations["gain_dbi"]
    loss_db = propagation.free_space_loss_db(distance_m, channel.frequency_hz)

    rows = np.empty(len(stations), FRAME_ROW)
    rows["hears"] = stations["placed"]
    rows["hears"][source] = False
    rows["not_tuned"] = ~stations["tuned"][:, column]
    rows["beyond_horizon"] = distance_m > horizon_m
    rows["power_dbm"] = propagation.round_db(effective_dbm - loss_db)
    rows["below_sensitivity"] = rows["power_dbm"] < stations["least_dbm"][:, column]
    rows["faded"] = False
    if loss:  # draws are dear, and follow from their keys alone: one that is not drawn changes no other
        addresses = stations["address"].astype(np.uint64)
        rows["faded"] = draws.uniform(seed, sent.source, sent.session, sent.sequence, addresses, _FADING) < loss
    delay_ns = propagation.propagation_delay_ns(np.minimum(distance_m, FARTHEST_M))
    rows["arrival_ns"] = sent.start_ns + delay_ns
    reaches = rows["hears"] & ~rows["beyond_horizon"]
    rows["interference_mw"] = np.where(reaches, propagation.milliwatts(rows["power_dbm"]), 0.0)
    return rows


def clashes(frame: Frame, others: Iterable[Frame], row_of: Mapping[int, int], capture_db: float) -> Clashes:
    """What the other frames do to this one. `row_of` finds a station's row by its address.

    A receiver is busy while it transmits on any channel during any part of the reception. Interference is the power,
    summed, of all frames on the same channel whose reception overlaps; the frame must exceed it by `capture_db`.
    """
    rows = frame.rows
    first_ns, end_ns = rows["arrival_ns"], rows["arrival_ns"] + frame.airtime_ns
    half_duplex = np.zeros(len(rows), np.bool_)
    total_mw, strongest_mw = np.zeros(len(rows)), np.zeros(len(rows))
    rivals = np.full(len(rows), NO_RIVAL, np.int64)
    for other in others:
        sent = other.sent
        if other is frame or other.due_ns < frame.sent.start_ns or sent.start_ns > frame.due_ns:
            continue
        own = row_of.get(sent.source)
        if own is not None and sent.start_ns < end_ns[own] and first_ns[own] < sent.start_ns + other.airtime_ns:
            half_duplex[own] = True
        if sent.channel != frame.sent.channel:
            continue
        other_ns = other.rows["arrival_ns"]
        overlaps = (other_ns < end_ns) & (first_ns < other_ns + other.airtime_ns)
        power_mw = np.where(overlaps, other.rows["interference_mw"], 0.0)
        total_mw += power_mw
        lower = (power_mw == strongest_mw) & (power_mw > 0.0) & (sent.source < rivals)
        rivals = np.where((power_mw > strongest_mw) | lower, sent.source, rivals)
        strongest_mw = np.maximum(power_mw, strongest_mw)
    if not total_mw.any():  # the usual case, and logarithms are dear
        return Clashes(half_duplex, total_mw > 0.0, rivals)
    margin_db = rows["power_dbm"] - propagation.round_db(propagation.decibel_milliwatts(total_mw))
    collision = (total_mw > 0.0) & (propagation.round_db(margin_db) < capture_db)
    return Clashes(half_duplex, collision, rivals)


def outcomes(rows: NDArray[Any], clash: Clashes) -> tuple[list[Outcome], list[int]]:
    """The outcome and the rival at each station that hears; NO_RIVAL for all but collisions."""
    # In the order of Outcome, which ends with "received".
    causes = (
        rows["not_tuned"],
        clash.half_duplex,
        rows["beyond_horizon"],
        rows["below_sensitivity"],
        clash.collision,
        rows["faded"],
    )
    codes = np.full(len(rows), len(causes))
    for code in reversed(range(len(causes))):
        codes[causes[code]] = code  # the first cause is written last, and stays
    rivals = np.where(codes == _COLLISION, clash.rivals, NO_RIVAL)
    return _OUTCOMES[codes[rows["hears"]]].tolist(), rivals[rows["hears"]].tolist()
