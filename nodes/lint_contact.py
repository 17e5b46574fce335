"""Checks of meetings: whether there is time to talk inside the contact ring, and room for the calls and answers."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nodes.lint_plan import Plan, Terms
from nodes.lint_ways import Bools, level_m
from nodes.problems import Problem
from nodes.transmitter import CALL_WINDOW_NS
from protocol.agreement import Agreement, Channel
from protocol.units import KT_MPS, NM_M, NS_PER_S

MOST_SAID_AGAIN = 0.5
"""If more of the first answers than these are lost, most calls take twice as long."""


class Ring(NamedTuple):
    """What an agreement says of meetings: from `ring_nm` in to `safe_nm`, and how long talking may take in all."""

    ring_nm: float
    safe_nm: float
    talk_s: float
    told: str

    @classmethod
    def of(cls, agreement: Agreement) -> "Ring | None":
        """None if there is no ring or nothing to be reached inside it."""
        contact, apart, answers = agreement.clause.c6_2, agreement.clause.c6_1, agreement.clause.c6_3
        if contact is None or apart is None:
            return None
        # whichever party is the last to call
        last_s = max(contact.first_s, contact.second_s)
        name = "second_s" if contact.second_s >= contact.first_s else "first_s"
        told = f"{name} = {last_s:g}" + (f" and limit_s of 6.3 = {answers.limit_s:g}" if answers else "")
        talk_s = last_s + (answers.limit_s if answers else 0.0)
        return cls(contact.ring_nm, apart.safe_distance_nm, talk_s, told)

    def crossed_s(self, closing_kt: float) -> float:
        """How long it takes from the ring to the safe distance."""
        return (self.ring_nm - self.safe_nm) / closing_kt * 3600

    def needed_nm(self, closing_kt: float) -> float:
        """The ring that gives time enough."""
        return self.safe_nm + closing_kt * self.talk_s / 3600


# ------------------------------------------------------------ what may be computed


def same_slot_share(others: float, slots: int) -> float:
    """The share of frames that meet one of so many others, if each draws one of `slots` slots by itself."""
    return 1.0 - float((1 - 1 / slots) ** max(others, 0.0))


def _inside(plan: Plan, ring_nm: float) -> dict[str, list[Bools]]:
    """For each station of the party that calls first: at which samples each of the others is inside the ring."""
    inside: dict[str, list[Bools]] = {}
    for a, b in plan.opposed():
        one, other = plan.ways[a.address], plan.ways[b.address]
        near = (level_m(one, other) <= ring_nm * NM_M) & one.airborne & other.airborne
        inside.setdefault(a.call_sign, []).append(near)
    return inside


def _closing_kt(plan: Plan, ring: Ring) -> list[tuple[float, str]]:
    """Pairs of opposed stations by the fastest that they close between ring and safe distance, the fastest first."""
    pairs = []
    for a, b in plan.opposed():
        one, other = plan.ways[a.address], plan.ways[b.address]
        if len(one.times_s) < 2:
            continue
        apart_m = np.where(one.airborne & other.airborne, level_m(one, other), np.nan)
        counts = (apart_m[1:] <= ring.ring_nm * NM_M) & (apart_m[1:] >= ring.safe_nm * NM_M)
        fastest = np.max(-np.diff(apart_m) / one.step_s, where=counts, initial=0.0)
        if fastest > 0:
            pairs.append((float(fastest) / KT_MPS, f"{a.call_sign} and {b.call_sign}"))
    return sorted(pairs, key=lambda pair: (-pair[0], pair[1]))


# ------------------------------------------------------------ checks


def ring_crossed_too_fast(plan: Plan) -> Iterator[Problem]:
    """Two that close in the scenario must have time to talk before they are too close."""
    ring = Ring.of(plan.flight.agreement)
    pairs = _closing_kt(plan, ring) if ring else []
    too_fast = [(kt, who) for kt, who in pairs if ring and ring.crossed_s(kt) < ring.talk_s]
    if not ring or not too_fast:
        return
    kt, who = too_fast[0]
    more = f", and {len(too_fast) - 1} more pair(s) too little" if len(too_fast) > 1 else ""
    text = (
        f"{who} close at up to {kt:.0f} kt and need {ring.crossed_s(kt):.1f} s from the ring to {ring.safe_nm:g} NM "
        f"(6.1){more}; talking may take {ring.talk_s:g} s ({ring.told}): {ring.needed_nm(kt):.1f} NM, or shorter times"
    )
    yield plan.terms.warning('clause."6.2".ring_nm', ring.ring_nm, text)


def greatest_speed_note(terms: Terms) -> str | None:
    """What becomes of the ring if two meet at the greatest speed of 4.4: no flaw of itself, nobody need fly so fast."""
    ring, possible = Ring.of(terms.agreement), terms.agreement.clause.c4_4
    if ring is None or possible is None:
        return None
    kt = 2 * possible.speed_kt
    if ring.crossed_s(kt) >= ring.talk_s:
        return None
    fine_kt = (ring.ring_nm - ring.safe_nm) / ring.talk_s * 3600
    return (
        f'{terms.file}: clause."6.2".ring_nm = {ring.ring_nm:g}: two at speed_kt of 4.4 need '
        f"{ring.crossed_s(kt):.1f} s from the ring to {ring.safe_nm:g} NM (6.1), and talking may take "
        f"{ring.talk_s:g} s ({ring.told}); there is time up to {fine_kt:.0f} kt of closing speed"
    )


def too_many_to_call(plan: Plan) -> Iterator[Problem]:
    """Who calls first makes one new call with each report, in an own slot that no POSITION needs: that takes time."""
    contact = plan.flight.agreement.clause.c6_2
    if contact is None:
        return
    each_s = _call_every_s(plan.flight.agreement, plan.terms.main[1])
    most = {who: int(np.sum(near, axis=0).max()) for who, near in _inside(plan, contact.ring_nm).items()}
    who = max(most, key=lambda name: (most[name], name), default=None)
    if who is None or (takes_s := most[who] * each_s) <= contact.first_s:
        return
    text = (
        f"{who} has {most[who]} aircraft of the other party inside the ring at once, and calls one every "
        f"{each_s:.3g} s: {takes_s:.3g} s for all of them; allow as much, or give it more slots"
    )
    yield plan.terms.warning('clause."6.2".first_s', contact.first_s, text)


def _call_every_s(agreement: Agreement, channel: Channel) -> float:
    """How long a new call takes: a report, or the time until an own slot is left over by POSITIONs."""
    reports = agreement.clause.c4_1
    report_s = reports.every_s if reports else 1.0
    if channel.access != "tdma":
        return report_s
    assert channel.slot_ms is not None
    assert channel.slots is not None
    assert channel.slots_per_station is not None
    left_over = channel.slots_per_station * 1000 / (channel.slot_ms * channel.slots) - 1 / report_s
    return max(report_s, 1 / left_over) if left_over > 0 else float("inf")


def too_few_shared_slots(plan: Plan) -> Iterator[Problem]:
    """When parties meet, all who call first call at once, and the answers of a second share the shared slots."""
    number, channel = plan.terms.main
    contact, reports = plan.flight.agreement.clause.c6_2, plan.flight.agreement.clause.c4_1
    if contact is None or channel.access != "tdma":
        return
    assert channel.slot_ms is not None
    assert channel.slots is not None
    near = [np.any(ways, axis=0) for ways in _inside(plan, contact.ring_nm).values()]
    callers = int(np.sum(near, axis=0).max()) if near else 0
    window_s = CALL_WINDOW_NS / NS_PER_S
    shared = round(len(channel.shared_slots) * window_s * 1000 / (channel.slot_ms * channel.slots))
    answers = callers * window_s / (reports.every_s if reports else 1.0)
    lost = same_slot_share(answers - 1, shared)
    if lost <= MOST_SAID_AGAIN:
        return
    text = (
        f"{callers} aircraft that call first have somebody inside the ring at once: up to {answers:.3g} answers a "
        f"second in {shared} shared slots a second, {lost:.0%} of which collide and are said again later: "
        "share more slots"
    )
    yield plan.terms.warning(f"channel.{number}.shared_slots", str(list(channel.shared_slots)), text)
