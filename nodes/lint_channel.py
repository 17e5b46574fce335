"""Checks of channels: whether slots hold their frames, whether bands overlap, and what random access can carry."""

from collections.abc import Iterator
from itertools import combinations
from math import exp

from nodes.flight_slots import frames_a_second
from nodes.lint_limits import lost_to_break, worst_loss
from nodes.lint_plan import RARE, Plan, Terms, airtime_ms
from nodes.problems import Problem
from protocol.agreement import Channel
from protocol.messages import MAX_FRAME_BYTES, TYPE_OF, Position
from protocol.units import NM_M
from protocol.wire import frame_bytes

LONGEST_BYTES, LONGEST = max((frame_bytes(kind), TYPE_OF[kind].name) for kind in TYPE_OF)
"""The longest of the messages that there are."""
FULLEST = {"aloha": 0.5, "slotted_aloha": 1.0, "csma": 1.0}
"""The offered load beyond which a channel carries less the more is offered (Abramson 1970, Roberts 1975), or has no
time left (csma)."""


# ------------------------------------------------------------ what may be computed


def aloha_loss(frames_a_second: float, own_s: float, other_s: float) -> float:
    """The share of frames of `own_s` that meet one of `other_s` on a channel without slots, others sending at random.

    With all of one length this is 1 - exp(-2 G): Abramson 1970, "The ALOHA System".
    """
    return 1 - exp(-frames_a_second * (own_s + other_s))


def slotted_aloha_loss(frames_a_second: float, slot_s: float) -> float:
    """The share of frames that meet another in their slot, 1 - exp(-G): Roberts 1975, "ALOHA packet system"."""
    return 1 - exp(-frames_a_second * slot_s)


def csma_loss(frames_a_second: float, other_s: float, delay_s: float, attempts: int) -> float:
    """The share of frames that are lost where everybody listens first: they began within a delay of another one, which
    neither could hear yet, or found the channel busy each time.

    Vulnerable for a delay on either side, after Kleinrock and Tobagi 1975, "Packet switching in radio channels". All
    hear each other.
    """
    busy = min(frames_a_second * other_s, 1.0)
    return 1 - exp(-2 * frames_a_second * delay_s) * (1 - busy**attempts)


def overlap_khz(a: Channel, b: Channel) -> float:
    """By how much the bands of two channels overlap; 0 or less if they do not."""
    return (a.bandwidth_khz + b.bandwidth_khz) / 2 - abs(a.frequency_mhz - b.frequency_mhz) * 1000


# ------------------------------------------------------------ checks


def short_slots(terms: Terms) -> Iterator[Problem]:
    """A slot must hold the longest frame, its way to the furthest, and what 3.1 lets it be late."""
    distance_m, bounded_by = terms.range_m
    for number, channel in enumerate(terms.agreement.channel):
        if channel.slot_ms is None:
            continue
        margin_ms = (terms.margin_ms or 0.0) if channel.access == "tdma" else 0.0
        slack_ms = terms.slack_ms(channel)
        short_ms = margin_ms - slack_ms
        if short_ms <= 1e-9:
            continue
        takes = f"the longest frame, {MAX_FRAME_BYTES} bytes, takes {airtime_ms(MAX_FRAME_BYTES, channel):.2f} ms"
        delay = f"{terms.delay_ms:.2f} ms of delay over {distance_m / NM_M:.0f} NM ({bounded_by})"
        margin = f" and margin_ms of 3.1, {margin_ms:g} ms," if margin_ms else ""
        ends = f"{short_ms:.2f} ms short"
        if margin_ms and slack_ms < 0:
            ends += f", and {-slack_ms:.2f} ms short without the margin"
        room = int(max(channel.slot_ms - terms.delay_ms - margin_ms, 0) * channel.bit_rate_bps / 8000)
        fits = f"it has room for {room} bytes"
        if room >= LONGEST_BYTES:
            fits += f", enough for all messages of today ({LONGEST} has {LONGEST_BYTES})"
        change = f"slot_ms, bit_rate_bps or {bounded_by}" + (" or margin_ms" if margin_ms else "")
        text = f"{takes}; with {delay}{margin} the slot is {ends}; {fits}: change {change}"
        yield terms.warning(f"channel.{number}.slot_ms", channel.slot_ms, text)


def overlapping_bands(terms: Terms) -> Iterator[Problem]:
    """Two agreed channels must not be one on the air: then a reserved slot has two owners."""
    for (_, a), (number, b) in combinations(enumerate(terms.agreement.channel), 2):
        if overlap_khz(a, b) > 1e-6:
            yield terms.warning(f"channel.{number}.frequency_mhz", b.frequency_mhz, _overlap(a, b))


def overlapping_unagreed_bands(plan: Plan) -> Iterator[Problem]:
    """Nor an unagreed channel and another one."""
    agreed, unagreed = plan.flight.agreement.channel, plan.flight.scenario.unagreed_channel
    for number, b in enumerate(unagreed):
        for a in (*agreed, *unagreed[:number]):
            if overlap_khz(a, b) > 1e-6:
                yield plan.warning(f"unagreed_channel.{number}.frequency_mhz", b.frequency_mhz, _overlap(a, b))


def _overlap(a: Channel, b: Channel) -> str:
    apart_khz = (a.bandwidth_khz + b.bandwidth_khz) / 2
    return (
        f"{b.name} overlaps with {a.name} ({a.frequency_mhz:g} MHz) by {overlap_khz(a, b):g} kHz: on the air their "
        f"frames collide, whoever owns the slots, which is not emulated; {apart_khz:g} kHz apart they do not"
    )


def random_access(plan: Plan) -> Iterator[Problem]:
    """Where nobody owns a slot, POSITIONs collide: 4.1 must bear that, and the channel the load."""
    number, channel = plan.terms.main
    reports = plan.flight.agreement.clause.c4_1
    if channel.access == "tdma" or reports is None:
        return
    stations, rates = plan.at_once(), frames_a_second(plan.flight.agreement)
    each = sum(rates.values())
    mean_s = sum(rate * airtime_ms(frame_bytes(kind), channel) for kind, rate in rates.items()) / each / 1000
    holds_s = channel.slot_ms / 1000 if channel.slot_ms is not None else mean_s
    load, others = stations * each * holds_s, max(stations - 1, 0) * each
    if channel.access == "slotted_aloha":
        collides = slotted_aloha_loss(others, holds_s)
    elif channel.access == "csma":
        collides = csma_loss(others, mean_s, plan.terms.delay_ms / 1000, channel.attempts or 1)
    else:
        collides = aloha_loss(others, airtime_ms(frame_bytes(Position), channel) / 1000, mean_s)
    chance = worst_loss(plan)[1]
    lost = 1 - (1 - collides) * (1 - chance)
    in_a_row = lost_to_break(reports.every_s, reports.limit_s)
    breaks = lost**in_a_row > RARE and not (chance**in_a_row > RARE >= collides**in_a_row)
    if not breaks and load <= FULLEST[channel.access]:
        return
    full = "" if load <= FULLEST[channel.access] else f", more than the {FULLEST[channel.access]:g} it can bear"
    text = (
        f"{stations} stations x {each:.3g} frames/s x {holds_s * 1000:.3g} ms offer a load of G = {load:.2f}{full}; "
        f"{collides:.1%} of all POSITIONs are lost by collision"
        + (f", {lost:.1%} with medium.loss" if chance else "")
        + f", and {in_a_row} in a row, longer than 4.1's limit_s = {reports.limit_s:g}, "
        f"with probability {lost**in_a_row:.2g} ({RARE:g} is borne): "
        "change access, bit_rate_bps or every_s, or fly fewer stations"
    )
    yield plan.terms.warning(f"channel.{number}.access", repr(channel.access), text)
