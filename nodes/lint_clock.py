"""Checks of clocks: when one leaves its slot, and whose slot it then reaches into. Clock times are in ms, + is fast."""

from collections.abc import Iterator
from itertools import combinations, product
from typing import NamedTuple

from nodes.lint_plan import DRAWN_CLOCK_MS, Plan
from nodes.problems import Problem
from nodes.scenario import StationEntry
from protocol.agreement import Channel


class Clock(NamedTuple):
    """A station's time less medium time: `offset_ms` at the start, `drift_ms` more each second, either way wrong by
    `unknown_ms`; from when to when it flies, in seconds from the start."""

    offset_ms: float
    drift_ms: float
    unknown_ms: float
    from_s: float
    until_s: float

    def at(self, at_s: float) -> float:
        """Its error at an instant, as far as it is known."""
        return self.offset_ms + self.drift_ms * at_s


# ------------------------------------------------------------ what may be computed


def first_beyond(value: float, rate: float, limit: float, from_s: float, until_s: float) -> float | None:
    """When |value + rate t| first exceeds a limit of 0 or more, from_s <= t <= until_s; None if it never does."""
    begins = value + rate * from_s
    if abs(begins) > limit:
        return from_s
    if rate == 0:
        return None
    at_s = from_s + (limit - begins if rate > 0 else limit + begins) / abs(rate)
    return at_s if at_s < until_s else None


def first_clash(apart_ms: float, rate: float, period_ms: float, busy_ms: float, until_s: float) -> float | None:
    """When two stations first disturb each other, 0 <= t <= until_s; None if they never do.

    One begins `apart_ms` after the other, and `rate` ms more for each second; both again after each period. They meet
    while they begin less than `busy_ms` apart. All are in ms but `until_s`.
    """
    after_ms = apart_ms % period_ms
    if after_ms < busy_ms or period_ms - after_ms < busy_ms:
        return 0.0
    if rate == 0:
        return None
    at_s = (after_ms - busy_ms) / -rate if rate < 0 else (period_ms - busy_ms - after_ms) / rate
    return at_s if at_s < until_s else None


def clock_of(station: StationEntry, plan: Plan) -> Clock:
    """A station's clock, and when it flies; who does not say where it is counts all the time."""
    from_s, until_s = 0.0, plan.flight.scenario.duration_s
    if way := plan.ways.get(station.address):
        there = way.times_s[way.there].tolist()
        from_s, until_s = (there[0], min(there[-1] + way.step_s, until_s)) if there else (until_s, until_s)
    errors = station.errors
    if errors is None:
        return Clock(0.0, 0.0, DRAWN_CLOCK_MS, from_s, until_s)
    return Clock(errors.clock_us / 1000, errors.drift_ppm / 1000, 0.0, from_s, until_s)


# ------------------------------------------------------------ checks


def drawn_clocks(plan: Plan) -> Iterator[Problem]:
    """Clocks that are drawn, like those of honest stations, must not be too much for slots and margin."""
    number, channel = plan.terms.main
    drawn = sum(s.errors is None for s in plan.flying)
    margin_ms = plan.terms.margin_ms
    about = f"stations whose errors are left out have clocks up to {DRAWN_CLOCK_MS:g} ms wrong"
    if channel.access == "tdma" and drawn and margin_ms is not None and margin_ms < DRAWN_CLOCK_MS:
        text = f"{about}: 3.1 must forgive as much"
        yield plan.terms.warning('clause."3.1".margin_ms', margin_ms, text)
    if channel.access == "tdma" and drawn > 1 and 0 <= (slack_ms := plan.terms.slack_ms(channel)) < 2 * DRAWN_CLOCK_MS:
        text = f"{about}, two of them {2 * DRAWN_CLOCK_MS:g} ms, and slots leave only {slack_ms:.2f} ms between frames"
        yield plan.terms.warning(f"channel.{number}.slot_ms", channel.slot_ms or 0.0, text)


def leaves_its_slot(plan: Plan) -> Iterator[Problem]:
    """A clock that is told must keep frames inside their slots for the whole flight."""
    _, channel = plan.terms.main
    if channel.slot_ms is None:
        return
    slack_ms, margin_ms = plan.terms.slack_ms(channel), plan.terms.margin_ms if channel.access == "tdma" else None
    limits = [(slack_ms, f"the slack of a slot of {channel.name}")] if slack_ms >= 0 else []
    limits += [(margin_ms, "margin_ms of 3.1")] if margin_ms is not None else []
    if not limits:
        return
    limit_ms, what = min(limits)
    for s in plan.flying:
        clock = clock_of(s, plan)
        if s.errors is None:
            continue
        at_s = first_beyond(clock.offset_ms, clock.drift_ms, limit_ms, clock.from_s, clock.until_s)
        if at_s is None:
            continue
        ends_ms = max(abs(clock.at(at_s)), abs(clock.at(clock.until_s)))
        text = (
            f"after {at_s:.0f} s its clock is more than {limit_ms:.2f} ms wrong ({what}), up to {ends_ms:.2f} ms: "
            "its frames leave their slots; a better clock, or longer slots"
        )
        yield plan.warning(*_key(s, clock, clock.from_s, at_s), text)


def reaches_into_others(plan: Plan) -> Iterator[Problem]:
    """Two stations whose clocks differ so much that the slot of one reaches into the other's."""
    _, channel = plan.terms.main
    if channel.access != "tdma":
        return
    clocks = {s.address: clock_of(s, plan) for s in plan.flying}
    for a, b in combinations(plan.flying, 2):
        if a.errors is None and b.errors is None:
            continue
        clash = _clash(plan, channel, (a, clocks[a.address]), (b, clocks[b.address]))
        if clash is None:
            continue
        at_s, slot, other = clash
        mine, theirs = clocks[a.address], clocks[b.address]
        worse, better, clock = a, b, mine
        if a.errors is None or (b.errors is not None and abs(theirs.at(at_s)) > abs(mine.at(at_s))):
            worse, better, clock, slot, other = b, a, theirs, other, slot
        apart_ms = abs(mine.at(at_s) - theirs.at(at_s)) + mine.unknown_ms + theirs.unknown_ms
        text = (
            f"after {at_s:.0f} s its frames in slot {slot} of {channel.name} collide with those of {better.call_sign} "
            f"in slot {other}: their clocks are then up to {apart_ms:.2f} ms apart"
        )
        yield plan.warning(*_key(worse, clock, max(mine.from_s, theirs.from_s), at_s), text)


def _clash(
    plan: Plan, channel: Channel, first: tuple[StationEntry, Clock], second: tuple[StationEntry, Clock]
) -> tuple[float, int, int] | None:
    """When, and in which slots of each, two stations first collide because of their clocks; None if never."""
    assert channel.slot_ms is not None
    assert channel.slots is not None
    (a, mine), (b, theirs) = first, second
    from_s, until_s = max(mine.from_s, theirs.from_s), min(mine.until_s, theirs.until_s)
    if from_s >= until_s:
        return None
    period_ms = channel.slot_ms * channel.slots
    reach_ms = channel.slot_ms - plan.terms.slack_ms(channel)
    busy_ms = reach_ms + mine.unknown_ms + theirs.unknown_ms
    slots = plan.flight.annexes.slots
    found = []
    for slot, other in product(slots[a.address][channel.number], slots[b.address][channel.number]):
        planned_ms = (other - slot) * channel.slot_ms % period_ms
        if min(planned_ms, period_ms - planned_ms) < reach_ms:
            continue  # the slots are too short as it is, which is told elsewhere
        # who is fast begins early
        apart_ms = planned_ms + mine.at(from_s) - theirs.at(from_s)
        after_s = first_clash(apart_ms, mine.drift_ms - theirs.drift_ms, period_ms, busy_ms, until_s - from_s)
        if after_s is not None:
            found.append((from_s + after_s, slot, other))
    return min(found, default=None)


def _key(station: StationEntry, clock: Clock, from_s: float, at_s: float) -> tuple[str, float]:
    """What to change, and what it is: the drift if time has made it worse, or has made more of it than the start."""
    drifts = clock.drift_ms != 0 and (at_s > from_s or abs(clock.drift_ms * at_s) > abs(clock.offset_ms))
    name, value = ("drift_ppm", clock.drift_ms) if drifts else ("clock_us", clock.offset_ms)
    return f"station {station.call_sign}: errors.{name}", value * 1000
