"""6.1 among many: pairs that sleep, and whose passes are counted in blocks, are judged as if each had been followed."""

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from protocol.agreement import Annexes
from protocol.bounds import Fix, Limits, separation
from protocol.clauses import blocks, quiet
from protocol.clauses.boxes import Boxes, box_of
from protocol.clauses.c3_1 import OwnSlots, _Starts
from protocol.clauses.c6_1 import SafeDistance
from protocol.heard import Heard
from protocol.judge import Judge
from protocol.messages import Frame, Position, stamp
from protocol.units import FT_M, NM_M, NS_PER_S
from protocol.verdicts import Outcome
from tests.protocol.conftest import START_NS, Twins, shipped_agreement

LIMITS = Limits.of(shipped_agreement())
SAFE = blocks.Safe(5.0, 1000.0)
DEGREE_M = 111_120.0


def annexes(count: int, area: dict[str, float] | None = None) -> Annexes:
    """So many aircraft, of both parties in turn."""
    register = [
        {
            "address": 0x100001 + i,
            "call_sign": f"T{i}",
            "party": ("coalition", "federation")[i % 2],
            "role": "aircraft",
        }
        for i in range(count)
    ]
    return Annexes.model_validate({"version": "1", "register": register, "slots": {}, "area": area})


class Crowd:
    """Aircraft that fly, turn, land, fall silent, begin anew and report badly; frames are lost, or come again."""

    def __init__(self, seed: int, count: int = 10):
        self.random = random = Random(seed)
        self.count = count
        self.loss = random.choice([0.0, 0.0, 0.1, 0.4])
        self.odd = random.choice([0.0, 0.01, 0.05])
        self.south, self.west = random.choice([(35.0, 36.0), (35.0, 179.9), (84.8, 0.0), (-0.1, -180.0), (-60.0, 10.0)])
        side, lag = random.choice([10e3, 40e3, 150e3, 400e3]), random.choice([0.05, 0.3, 2.5])
        self.aircraft = [self._drawn(side, lag) for _ in range(count)]
        self.number, self.session = [0] * count, [1] * count
        self.away: dict[int, tuple[int, bool]] = {}
        """Until when one is silent, or on the ground."""

    def _drawn(self, side: float, lag: float) -> dict[str, Any]:
        draw, choice = self.random.uniform, self.random.choice
        speed, track = draw(0, 280), draw(0, 2 * math.pi)
        return {
            "north": draw(0, side),
            "east": draw(0, side),
            "north_mps": speed * math.cos(track),
            "east_mps": speed * math.sin(track),
            "turn": choice([0.0, 0.0, 0.02, -0.1]),
            "height": draw(20_000, choice([20_500, 23_000, 40_000])),
            "up_mps": choice([0.0, 0.0, 20.0, -20.0]),
            "lag": draw(0, lag),
            "nic": choice([5, 7, 8, 9]),
            "nacv": choice([0, 1, 2, 4]),
        }

    def heard(self, seconds: int) -> Iterator[Heard]:
        random, late = self.random, []
        for second in range(seconds):
            now = []
            for i in range(self.count):
                if random.random() < self.odd / 3:
                    self.away[i] = second + random.choice([2, 5, 12, 70]), random.random() < 0.5
                if random.random() < self.odd / 5:
                    self.number[i], self.session[i] = 0, self.session[i] % 255 + 1
                until, silent = self.away.get(i, (0, False))
                self.number[i] += 1
                at_ns = START_NS + second * NS_PER_S + round((i + 0.3 * random.random()) / self.count * NS_PER_S)
                message = self._position(i, (at_ns - START_NS) / NS_PER_S, airborne=second >= until)
                if (second < until and silent) or random.random() < self.loss:
                    continue
                frame = Frame(0x100001 + i, self.session[i], self.number[i], 1, 0, 3, stamp(at_ns), message)
                now.append((at_ns + 50_000, frame))
                if random.random() < self.odd:
                    late.append((at_ns + random.choice([NS_PER_S // 2, 3 * NS_PER_S]), frame))
            due = [entry for entry in late if entry[0] < START_NS + (second + 1) * NS_PER_S]
            late = [entry for entry in late if entry not in due]
            for at_ns, frame in sorted([*now, *due], key=lambda entry: entry[0]):
                yield Heard(f"m1#{at_ns}", at_ns, 1, frame, b"", 1_000_000)

    def _position(self, i: int, seconds: float, airborne: bool) -> Position:
        a, random = self.aircraft[i], self.random
        cosine, sine = math.cos(a["turn"]), math.sin(a["turn"])
        a["north_mps"], a["east_mps"] = (
            a["north_mps"] * cosine - a["east_mps"] * sine,
            a["north_mps"] * sine + a["east_mps"] * cosine,
        )
        a["north"], a["east"] = a["north"] + a["north_mps"], a["east"] + a["east_mps"]
        latitude = self.south + a["north"] / DEGREE_M
        longitude = self.west + a["east"] / DEGREE_M / max(math.cos(math.radians(latitude)), 0.05)
        fields: dict[str, Any] = {
            "latitude_deg": latitude,
            "longitude_deg": (longitude + 180) % 360 - 180,
            "baro_altitude_ft": round((a["height"] + a["up_mps"] * seconds / FT_M) / 25) * 25,
            "velocity_north_mps": a["north_mps"],
            "velocity_east_mps": a["east_mps"],
            "velocity_up_mps": a["up_mps"],
            "nic": a["nic"],
            "nacv": a["nacv"],
            "age_s": round(a["lag"] + 0.1 * random.random(), 2),
            "airborne": airborne,
        }
        if random.random() < self.odd:
            fields |= random.choice(
                [
                    {"nic": 0},
                    {"age_s": None},
                    {"baro_altitude_ft": None},
                    {"velocity_north_mps": None},
                    {"latitude_deg": latitude - 0.3},
                    {"baro_altitude_ft": 25_000},
                    {"age_s": 4.0},
                ]
            )
        return Position(**fields)


def followed(seed: int, count: int = 10, seconds: int = 100) -> Judge:
    """Hear a crowd with both judges, who must agree, also on the way; returns the one that counts."""
    crowd, twins = Crowd(seed, count), Twins(shipped_agreement(), annexes(count))
    random = Random(seed)
    for heard in crowd.heard(seconds):
        twins.hear(heard)
        if random.random() < 0.002:
            twins.so_far()
    twins.close(START_NS + (seconds + 10) * NS_PER_S)
    return twins.counter


@pytest.mark.parametrize("seed", range(16))
def test_counting_passes_changes_nothing(seed: int) -> None:
    followed(seed)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("reports", [1, 7, 100])
def test_where_a_block_ends_does_not_matter(seed: int, reports: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "REPORTS", reports)
    monkeypatch.setattr(quiet, "SILENT_NS", 5 * NS_PER_S)
    followed(seed, seconds=60)


@pytest.mark.parametrize("seed", range(4))
def test_what_columns_leave_open_is_judged_exactly(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every step unsure, all of them are judged one by one: they give the same."""
    monkeypatch.setattr(blocks, "SURE", 0.6)
    followed(seed, seconds=40)


def test_a_report_that_lags_is_held_against_where_the_other_was() -> None:
    """Reports of one come a minute late, and it comes to where the other was then; the other's box is elsewhere now."""
    late_s = 60.0
    twins = Twins(shipped_agreement(), annexes(2))
    for second in range(120):
        north_m = -40_000.0 if second < 90 else 250.0 * (second - late_s)
        for i, (north, north_mps, age_s) in enumerate([(north_m, 0.0, late_s), (250.0 * second, 250.0, 0.0)]):
            at_ns = START_NS + second * NS_PER_S + i * NS_PER_S // 10
            message = Position(
                latitude_deg=35.0 + north / DEGREE_M,
                longitude_deg=36.0,
                baro_altitude_ft=20_000,
                velocity_north_mps=north_mps,
                velocity_east_mps=0.0,
                velocity_up_mps=0.0,
                nic=8,
                nacv=2,
                age_s=age_s,
            )
            frame = Frame(0x100001 + i, 1, second, 1, 0, 3, stamp(at_ns), message)
            twins.hear(Heard(f"m1#{at_ns}", at_ns, 1, frame, b"", 1_000_000))
    (tally,) = [t for t in twins.close(START_NS + 130 * NS_PER_S) if t.clause == "6.1"]
    assert tally.counts[Outcome.PASS] > 20  # and after that it is not apart any more


def test_pairs_of_which_one_is_never_heard_are_not_followed() -> None:
    crowd, judge = Crowd(3, 10), Judge(shipped_agreement(), annexes(100))
    crowd.odd = 0.0  # who is on the ground is followed
    for heard in crowd.heard(30):
        judge.hear(heard)
    (clause,) = [c for c in judge.clauses if isinstance(c, SafeDistance)]
    assert all(j < 10 for _, j in clause.pairs)
    pending = [
        t.subject for t in judge.close(START_NS + 40 * NS_PER_S) if t.clause == "6.1" and t.counts[Outcome.PENDING]
    ]
    assert all(int(name[:6], 16) < 0x10000B and int(name[7:], 16) < 0x10000B for name in pending)


def test_most_pairs_sleep_and_their_passes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    settle = blocks.Tables.add
    monkeypatch.setattr(
        blocks.Tables, "add", lambda self, pair, steps: (counted.append(len(pair)), settle(self, pair, steps))[1]
    )
    judge = followed(3, 20, 60)
    passes = sum(t.counts[Outcome.PASS] for t in judge.so_far() if t.clause == "6.1")
    assert sum(counted) > 0.5 * passes > 1000


# ------------------------------------------------------------------ boxes


def drawn_fix(random: Random, north: float, east: float, height: float, at_ns: int) -> Fix:
    speed, track = random.uniform(0, 400), random.uniform(0, 2 * math.pi)
    south_deg = 35.0 + north / DEGREE_M
    return Fix(
        booked=None,  # type: ignore[arg-type]
        at_ns=at_ns,
        spread_ns=random.choice([6_001_000, 105_001_000]),
        latitude_deg=south_deg,
        longitude_deg=36.0 + east / DEGREE_M / math.cos(math.radians(south_deg)),
        altitude_m=height,
        radius_m=random.choice([7.5, 185.2, 370.4]),
        north_mps=speed * math.cos(track),
        east_mps=speed * math.sin(track),
        up_mps=random.uniform(-30, 30),
        speed_mps=speed,
        velocity_m=random.choice([None, 2.5, 7.5]),
        climb_m=random.choice([None, 3.81, 11.43]),
    )


@pytest.mark.parametrize("seed", range(200))
def test_boxes_that_are_apart_hold_only_reports_that_are_apart(seed: int) -> None:
    """Wherever the reports lie in two boxes, and at every instant that they are used for."""
    random = Random(seed)
    away, above = random.uniform(9_000, 15_000), random.choice([0.0, 500.0, 900.0])
    track = random.uniform(0, 2 * math.pi)
    fixes = [
        [drawn_fix(random, 0, 0, 6_000, 0)],
        [drawn_fix(random, away * math.cos(track), away * math.sin(track), 6_000 + above, 0)],
    ]
    drawn = [box_of(track_of) for track_of in fixes]
    table = Boxes(2, LIMITS, SAFE.level_m, SAFE.height_m)
    for i, box in enumerate(drawn):
        table.put(i, box)
    assert table.apart[0, 1] == table.apart[1, 0]
    if not table.apart[0, 1]:
        return
    for _ in range(300):
        pair = []
        for box in drawn:
            worst = box.worst
            speed = random.choice([-1, 0, 1]) * worst.speed_mps  # towards the other, or away
            north, east = speed * math.cos(track), speed * math.sin(track)
            fix = worst._replace(
                at_ns=random.choice([-1, 0, 1]) * box.half_ns,
                latitude_deg=random.choice([box.south_deg, box.north_deg]),
                longitude_deg=random.choice([box.west_deg, box.east_deg]),
                altitude_m=random.choice([box.floor_m, box.ceiling_m]),
                up_mps=random.choice([-1, 1]) * worst.up_mps,
                north_mps=north,
                east_mps=east,
                speed_mps=abs(speed),
            )
            assert box.holds(fix, 2 * box.half_ns)
            pair.append(fix)
        apart = separation(pair[0], pair[1], 0, LIMITS)
        assert apart.level_low_m >= 5 * NM_M or apart.height_low_m >= 1000 * FT_M


def test_boxes_know_the_shorter_way_round() -> None:
    table = Boxes(2, LIMITS, SAFE.level_m, SAFE.height_m)
    for i, longitude in enumerate((179.99, -179.99)):
        fix = drawn_fix(Random(1), 0, 0, 6_000, 0)._replace(longitude_deg=longitude)
        table.put(i, box_of([fix]))
    assert not table.apart[0, 1]
    table.put(1, box_of([drawn_fix(Random(1), 0, 0, 6_000, 0)._replace(longitude_deg=-179.5)]))
    assert table.apart[0, 1]


# ------------------------------------------------------------------ 3.1: the nearest slot


@pytest.mark.parametrize("seed", range(40))
def test_the_nearest_slot_is_the_nearest_of_all(seed: int, make_monitor: Callable[..., Any]) -> None:
    random, monitor = Random(seed), make_monitor()
    (clause,) = [c for c in monitor.judge.counter.clauses if isinstance(c, OwnSlots)]
    channel = clause.world.agreement.channel[0]
    slots = tuple(random.sample(range(channel.slots), random.randrange(4)))
    slot_ns, period_ns = 20_000_000, 20_000_000 * channel.slots
    starts = _Starts.of(channel, slots, clause.margin_ns)
    for _ in range(200):
        early = START_NS + random.randrange(3 * period_ns)
        late = early + random.choice([0, 3_000_000, 300_000_000])
        size = random.choice([20, 50, 64, 100])
        latest = max(slot_ns - round(size * 8 / channel.bit_rate_bps * NS_PER_S), 0) + clause.margin_ns
        nearest = period_ns
        for period in range(early // period_ns - 1, late // period_ns + 2):
            for slot in slots:
                start = period * period_ns + slot * slot_ns
                nearest = min(nearest, max(start - clause.margin_ns - late, early - start - latest, 0))
        assert starts.outside_ns(size, early, late) == nearest
