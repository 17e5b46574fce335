"""Twins of the clauses of circumstance: 3.1, 3.2, 3.4, 4.3 (a time to come), 4.5."""

from functools import partial
from math import cos, log10, pi, radians, sin
from random import Random
from typing import Any

import numpy as np
import pytest

from protocol.codec import encode
from protocol.messages import TIME_BOUND_NS, Frame, Message
from protocol.verdicts import UNATTRIBUTED, Outcome
from radio.geodesy import ecef_m
from tests.protocol.conftest import RECEIVER, Monitor
from tests.protocol.traffic import A_TEXT, A, B, hail, position
from tests.protocol.twins.trace import ANNEXES, MORE, REPORT, Sent, agree, counting, heard, judged, shown

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
LIGHT_MPS = 299_792_458.0
CLOCK_S = 0.001
"""The monitor's."""
DELAY_S = 400 * 1852 / LIGHT_MPS
BIT_RATE = 31_500.0


def airtime_s(message: Message) -> float:
    return len(encode(Frame(A, 1, 0, 1, 0, 3, 0, message))) * 8 / BIT_RATE


# ------------------------------------------------------------------ 3.1

SLOTTED = agree(c3_1={"margin_ms": 1})
SLOT_S, OWN, SHARED = 0.02, (0, 25), tuple(range(4, 50, 5))


def may_start(early_s: float, late_s: float, message: Message, slots: tuple[int, ...]) -> bool:
    """Whether some start in [early, late] keeps a frame inside a slot and its margin; every slot is looked at."""
    room_s = max(SLOT_S - airtime_s(message), 0.0)
    for second in range(int(early_s) - 1, int(late_s) + 2):
        for slot in slots:
            begin_s = second + slot * SLOT_S
            if begin_s - 0.001 <= late_s and early_s <= begin_s + room_s + 0.001:
                return True
    return False


@pytest.mark.parametrize("repeated", [False, True])
def test_3_1_fails_exactly_when_neither_arrival_nor_time_fits_a_slot(repeated: bool) -> None:
    random, seen = Random(f"3.1 {repeated}"), set()
    for _ in range(400 * MORE):
        message = random.choice((REPORT, hail(B)))
        slots = OWN if message is REPORT else OWN + SHARED
        edge_s = 5 + random.choice((0, 1, 4, 5, 24, 25, 26, 49, 50)) * SLOT_S
        at_s = round(edge_s + random.uniform(-0.006, 0.012), 6)
        quality = random.choice((1, 2, 3, 3, 3))
        sent_s = round(at_s - random.choice((0.0, DELAY_S, random.uniform(-0.02, 0.02))), 6)
        bound_s = TIME_BOUND_NS[quality] / 1e9
        fresh = at_s - CLOCK_S - DELAY_S - bound_s <= sent_s <= at_s + CLOCK_S + bound_s
        monitor = Monitor(SLOTTED, ANNEXES)
        monitor.hear(0.0025, A, 0, REPORT)
        monitor.hear(at_s, A, 1, message, sent_s=sent_s, time_quality=quality)
        if repeated:
            monitor.hear(100.0, A, 1, message, sent_s=sent_s, time_quality=quality)
        monitor.close(200.0)
        arrived = may_start(at_s - CLOCK_S - DELAY_S, at_s + CLOCK_S, message, slots)
        says = may_start(sent_s - bound_s, sent_s + bound_s, message, slots)
        expected = PASS if arrived else FAIL if fresh and not says and not repeated else INCONCLUSIVE
        copy = [INCONCLUSIVE] if repeated and not may_start(100 - CLOCK_S - DELAY_S, 100.001, message, slots) else []
        found = monitor.outcomes("3.1", A_TEXT)[1:] + monitor.outcomes("3.1", UNATTRIBUTED)
        where = (at_s, sent_s, quality, message)
        if expected is PASS and not fresh:
            assert found == copy, where  # it is nobody's pass
        else:
            assert sorted(found) == sorted([expected, *copy]), where
        seen.add(expected)
    assert seen == {PASS, INCONCLUSIVE} | (set() if repeated else {FAIL})


# ------------------------------------------------------------------ 3.2

WINDOW_S, SHARE = 6.0, 0.012
SHARED_OUT = agree(c3_2={"share": SHARE, "window_s": WINDOW_S})
MOST_S = 64 * 8 / BIT_RATE


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.4])
def test_3_2_adds_up_the_airtime_of_a_window(loss: float) -> None:
    random, seen = Random(f"3.2 {loss}"), set()
    for _ in range(200 * MORE):
        at_s, trace = 0.0, [Sent(0.0, A, 0, REPORT)]
        for _ in range(random.randrange(4, 14)):
            at_s += random.choice((0.5, 1.0, 2.0))
            trace.append(Sent(at_s, A, 0, REPORT, heard=random.random() >= loss, channel=random.choice((1, 2, 2))))
        trace = counting(trace)
        monitor = judged(trace, SHARED_OUT, 100.0)
        ids = {f"m1#{i + 1}": sent for i, sent in enumerate(heard(trace))}
        judged_ids = {f.evidence[-1]: f.outcome for f in monitor.findings if f.clause == "3.2"}
        for name, sent in ids.items():
            mine = [s for s in trace if sent.at_s - WINDOW_S < s.at_s <= sent.at_s]
            truth_s = sum(airtime_s(s.message) for s in mine if s.channel == 2)
            heard_s = sum(airtime_s(s.message) for s in mine if s.channel == 2 and s.heard)
            outcome = judged_ids.get(name)
            if sent.channel == 2:
                assert (outcome is FAIL) is (heard_s > SHARE * WINDOW_S), shown(trace)
            assert outcome is not PASS or truth_s <= SHARE * WINDOW_S, shown(trace)
            assert loss or outcome is not INCONCLUSIVE, shown(trace)
            seen.add(outcome)
    assert seen >= {PASS, FAIL} | ({INCONCLUSIVE} if loss else set())


# ------------------------------------------------------------------ 3.4, 4.5

POWERS = agree(c3_4={"power_dbm": 43})
TRUE = agree(c4_5={})
HERE = np.array(ecef_m(RECEIVER.latitude_deg, RECEIVER.longitude_deg, RECEIVER.height_m))
RADIUS_M = {8: 185.2, 6: 1111.2, 4: 3704.0}
DEGREE_M = 111_000.0
FREE_SPACE = 4 * pi * 127.5e6 / LIGHT_MPS


def distances_m(latitude_deg: float, longitude_deg: float, radius_m: float) -> list[float]:
    """From the monitor to places all over the disc in which an aircraft says that it is, at sea level."""
    out = []
    for share in (0.0, 0.5, 1.0):
        for turn in range(48):
            angle = 2 * pi * turn / 48
            north = radius_m * share * cos(angle) / DEGREE_M
            east = radius_m * share * sin(angle) / DEGREE_M / cos(radians(latitude_deg))
            place = np.array(ecef_m(latitude_deg + north, longitude_deg + east, 0.0))
            out.append(float(np.linalg.norm(place - HERE)))
    return out


def one_report(terms: Any, where: dict[str, Any], **how: Any) -> Outcome:
    """What a clause finds of one POSITION, when nothing follows it."""
    monitor = Monitor(terms, ANNEXES)
    monitor.hear(5.0, A, 0, position(**where), **how)
    monitor.close(10.0)
    clause = "4.5" if terms is TRUE else "3.4"
    (found,) = monitor.outcomes(clause, A_TEXT)
    return found


@pytest.mark.parametrize(("terms", "limit_dbm"), [(POWERS, 43.0), (TRUE, 60.0)])
def test_3_4_and_4_5_fail_when_no_place_explains_the_power(terms: Any, limit_dbm: float) -> None:
    random, seen = Random(f"power {limit_dbm}"), set()
    for _ in range(150 * MORE):
        nic = random.choice(list(RADIUS_M))
        where = {"latitude_deg": 35 + random.uniform(-2.5, 2.5), "longitude_deg": 36 + random.uniform(-2.5, 2.5)}
        away_m = distances_m(**where, radius_m=RADIUS_M[nic])
        if max(away_m) < 40_000:
            continue
        excess_db = 6.0
        loss_db = 20 * log10(away_m[0] * FREE_SPACE)
        power_dbm = round(limit_dbm + excess_db - loss_db + random.uniform(-1.5, 1.5), 1)
        implied = [power_dbm - 0.05 + 20 * log10(d * FREE_SPACE) - excess_db for d in away_m]
        found = one_report(terms, where | {"nic": nic}, power_dbm=power_dbm)
        seen.add(found)
        if found is FAIL:
            assert min(implied) > limit_dbm - 0.02, (where, nic, power_dbm)
        if min(implied) > limit_dbm + 0.1:
            assert found is FAIL, (where, nic, power_dbm)
    assert seen == {PASS, FAIL}


def test_4_5_fails_when_light_is_too_slow_from_every_place() -> None:
    random, seen = Random("light"), set()
    for _ in range(150 * MORE):
        nic, sent_s = random.choice(list(RADIUS_M)), 5.0 - random.choice((0.0, 0.0003, 0.001))
        where = {"latitude_deg": 35 + random.uniform(4.0, 8.0), "longitude_deg": 36.0}
        needs_s = min(distances_m(**where, radius_m=RADIUS_M[nic])) / LIGHT_MPS
        had_s = 5.0 + CLOCK_S - (sent_s - 0.001)
        found = one_report(TRUE, where | {"nic": nic}, sent_s=sent_s)
        seen.add(found)
        if found is FAIL:
            assert had_s < needs_s + 1e-7
        if had_s < needs_s - 5e-6:
            assert found is FAIL
    assert seen == {PASS, FAIL}


# ------------------------------------------------------------------ 4.3: a time that is still to come

TIMED = agree(c4_3={"slotted_ms": 1, "unslotted_ms": 200})


def test_4_3_convicts_of_a_time_to_come_and_of_no_time_past() -> None:
    random, seen = Random("4.3"), set()
    for _ in range(300 * MORE):
        monitor = Monitor(TIMED, ANNEXES)
        channel, quality = random.choice((1, 2)), random.choice((1, 2, 3))
        hear = partial(monitor.hear, source=A, message=REPORT, channel=channel, time_quality=quality)
        known = random.random() < 0.8
        if known:
            hear(0.0025, sequence=0)
        tolerance_s = max({1: 0.001, 2: 0.2}[channel], TIME_BOUND_NS[quality] / 1e9)
        ahead_s = round(random.choice((-1, 1)) * tolerance_s * random.choice((0.5, 0.9, 1.5, 30.0)), 6)
        hear(5.0, sequence=5, sent_s=5.0 + ahead_s)
        monitor.close(10.0)
        found = monitor.outcomes("4.3", A_TEXT)[known:]
        seen.add((found[0] if found else None, ahead_s > 0))
        if ahead_s > tolerance_s + 0.004 and known:
            assert found == [FAIL]
        if FAIL in found:
            assert ahead_s > tolerance_s
            assert known, "a true time has to be heard first"
    assert {(FAIL, True), (PASS, True), (PASS, False)} <= seen
    assert (FAIL, False) not in seen
