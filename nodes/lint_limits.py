"""Checks of limits: whether one lost frame, or a usual share of lost ones, is enough to break them."""

from collections.abc import Iterator
from math import ceil

from nodes.lint_plan import RARE, Plan, Terms, airtime_ms
from nodes.problems import Problem
from nodes.seat import LEAD_NS
from nodes.stations.aircraft import REMOTE_PILOT_NS
from nodes.transmitter import CALL_WINDOW_NS
from protocol.agreement import Agreement, Channel
from protocol.messages import MAX_FRAME_BYTES
from protocol.units import NS_PER_S

# ------------------------------------------------------------ what may be computed


def lost_to_break(every_s: float, limit_s: float) -> int:
    """How many frames sent every `every_s` must be lost in a row to leave a gap longer than `limit_s`; 1 at least."""
    return max(int(limit_s / every_s + 1e-9), 1)


def wait_s(channel: Channel, every_s: float) -> float:
    """How much longer than usual a frame may wait for the channel, from one time to the next, if it is sent every
    `every_s`: nothing in an own slot that comes round just then."""
    if channel.access == "csma":
        assert channel.attempts is not None
        assert channel.backoff_slots is not None
        assert channel.backoff_ms is not None
        return channel.attempts * channel.backoff_slots * channel.backoff_ms / 1000
    if channel.slot_ms is None or channel.slots is None:
        return 0.0
    if channel.access == "slotted_aloha":
        return channel.slot_ms / 1000
    period_s = channel.slot_ms * channel.slots / 1000
    periods = every_s / period_s
    return 0.0 if abs(periods - round(periods)) < 1e-9 and round(periods) else period_s


def ident_every_s(agreement: Agreement) -> float:
    """How often IDENTs really go out: they go with reports, so every_s of 1.4 is rounded up to whole ones of 4.1."""
    idents, reports = agreement.clause.c1_4, agreement.clause.c4_1
    report_s = reports.every_s if reports else 1.0
    return ceil((idents.every_s if idents else 20.0) / report_s - 1e-9) * report_s


def answer_s(channel: Channel, uncrewed: bool) -> float:
    """How long the answer to a call may take on a channel that works: to hand the frames over, until a slot comes,
    the frame itself, and for an uncrewed aircraft its pilot on the ground.

    In shared slots it is drawn within CALL_WINDOW_NS. The answer to a call said again waits for an own slot; where
    there is one a period, a POSITION may have it first.
    """
    wait = wait_s(channel, 1.0)
    if channel.access == "tdma":
        assert channel.slot_ms is not None
        assert channel.slots is not None
        periods = 2 if channel.slots_per_station == 1 else 1
        wait = max(CALL_WINDOW_NS / NS_PER_S, periods * channel.slot_ms * channel.slots / 1000)
    pilot_s = REMOTE_PILOT_NS / NS_PER_S if uncrewed else 0.0
    return 2 * LEAD_NS / NS_PER_S + wait + airtime_ms(MAX_FRAME_BYTES, channel) / 1000 + pilot_s


def worst_loss(plan: Plan) -> tuple[str, float]:
    """The greatest share of receptions that the medium loses by chance, and its key."""
    events = [(f"event.{i}.loss", e.loss) for i, e in enumerate(plan.flight.scenario.event) if e.loss is not None]
    return max([("medium.loss", plan.flight.scenario.medium.loss), *events], key=lambda told: told[1])


# ------------------------------------------------------------ checks


def broken_by_one_report(terms: Terms) -> Iterator[Problem]:
    """4.1: a POSITION that is lost leaves a gap of two periods."""
    reports = terms.agreement.clause.c4_1
    if reports is None:
        return
    wait = wait_s(terms.main[1], reports.every_s)
    if (gap_s := 2 * reports.every_s + wait) > reports.limit_s:
        text = f"one lost POSITION leaves {gap_s:g} s without one{_waiting(wait)}: {gap_s:g} or more, or less every_s"
        yield terms.warning('clause."4.1".limit_s', reports.limit_s, text)


def broken_by_one_ident(terms: Terms) -> Iterator[Problem]:
    """1.4: an IDENT that is lost leaves those who listen without one for two periods."""
    idents = terms.agreement.clause.c1_4
    if idents is None:
        return
    every_s = ident_every_s(terms.agreement)
    channel = terms.main[1]
    wait = channel.slot_ms * (channel.slots or 1) / 1000 if channel.slot_ms is not None else wait_s(channel, every_s)
    if (gap_s := 2 * every_s + wait) > idents.limit_s:
        text = f"one lost IDENT leaves {gap_s:g} s without one{_waiting(wait)}: {gap_s:g} or more, or less every_s"
        yield terms.warning('clause."1.4".limit_s', idents.limit_s, text)


def _waiting(wait: float) -> str:
    return f", {wait:g} s of it for a slot" if wait else ""


def no_time_to_answer(terms: Terms) -> Iterator[Problem]:
    """6.3: an answer takes its time even if everything works."""
    answers = terms.agreement.clause.c6_3
    if answers is not None and answers.limit_s < (takes_s := answer_s(terms.main[1], uncrewed=False)):
        text = f"an answer can take {takes_s:.2f} s until a slot for it comes on {terms.main[1].name}: allow as much"
        yield terms.warning('clause."6.3".limit_s', answers.limit_s, text)


def no_time_for_a_pilot(plan: Plan) -> Iterator[Problem]:
    """6.3, for uncrewed aircraft, whose pilots answer from the ground."""
    answers, channel = plan.flight.agreement.clause.c6_3, plan.terms.main[1]
    uncrewed = [s.call_sign for s in plan.flying if s.role == "uncrewed" and not s.foreign and s.python is None]
    if answers is None or not uncrewed or answers.limit_s < answer_s(channel, uncrewed=False):
        return
    if answers.limit_s < (takes_s := answer_s(channel, uncrewed=True)):
        text = (
            f"the answer of an uncrewed aircraft ({', '.join(uncrewed)}) can take {takes_s:.2f} s, "
            f"{REMOTE_PILOT_NS / NS_PER_S:g} s of it its pilot's: allow as much"
        )
        yield plan.terms.warning('clause."6.3".limit_s', answers.limit_s, text)


def broken_by_chance(plan: Plan) -> Iterator[Problem]:
    """4.1 and 6.3 must bear what the medium loses by chance. 1.4 is read off counts, which loss cannot hide."""
    key, loss = worst_loss(plan)
    reports, answers = plan.flight.agreement.clause.c4_1, plan.flight.agreement.clause.c6_3
    if reports is not None:
        in_a_row = lost_to_break(reports.every_s, reports.limit_s)
        if (often := loss**in_a_row) > RARE:
            text = (
                f"{in_a_row} POSITIONs in a row, longer than 4.1's limit_s = {reports.limit_s:g}, are lost with "
                f"probability {often:.2g} ({RARE:g} is borne): {RARE ** (1 / in_a_row):.2g} at most, or change limit_s"
            )
            yield plan.warning(key, loss, text)
    if answers is not None:
        unanswered = 1 - (1 - loss) ** 2
        if (often := unanswered**answers.calls) > RARE:
            borne = 1 - (1 - RARE ** (1 / answers.calls)) ** 0.5
            text = (
                f"{answers.calls} calls (6.3) all stay without an answer that is heard with probability {often:.2g} "
                f"({RARE:g} is borne): {borne:.2g} at most, or more calls"
            )
            yield plan.warning(key, loss, text)
