"""The radio of a drawn configuration, and its troubles: none of them is anybody's breach."""

from random import Random
from typing import Any

Table = dict[str, Any]

LOSSES = (0.0, 0.0, 0.01, 0.05, 0.1, 0.2, 0.4)


def draw_medium(random: Random, clean: bool) -> Table:
    """Propagation, curve of reception, capture, and chance loss."""
    medium: Table = {"loss": 0.0 if clean else random.choice(LOSSES)}
    if random.random() < 0.3:
        medium["propagation"] = random.choice(
            [{"model": "two_ray"}, {"model": "log_distance", "exponent": 2.1, "reference_m": 1000, "shadowing_db": 5}]
        )
    if random.random() < 0.3:
        medium["curve"] = [{"channel": 1, "preset": "vhf_25khz"}]
    if random.random() < 0.2:
        medium["capture"] = random.choice(["first", "none"])
    return medium


def draw_jammer(random: Random, place: tuple[float, float]) -> list[Table]:
    """None, or one that waits for an event."""
    if random.random() > 0.3:
        return []
    jam: Table = {"channels": random.choice([[1], [1, 2]]), "from_start": False}
    if random.random() < 0.6:
        jam |= {"on_ms": random.choice([4, 8, 20]), "period_ms": random.choice([50, 100])}
    at = [round(place[0] + random.uniform(-0.4, 0.4), 4), place[1], 3000]
    power = random.randint(25, 50)
    return [{"address": "0b0001", "call_sign": "JAM 1", "role": "jammer", "at": at, "power_dbm": power, "jam": jam}]


def draw_events(random: Random, stations: list[Table], duration_s: float) -> list[Table]:
    """Jamming, bursts of loss, stations that are switched off, that grow weak or deaf."""
    events: list[Table] = []
    flying = [s["call_sign"] for s in stations if s["role"] in ("aircraft", "uncrewed")]

    def during(
        key: str, value: object, after: object, station: str | None, shortest_s: float, longest_s: float
    ) -> None:
        begin = random.uniform(1, duration_s * 0.8)
        end = round(min(begin + random.uniform(shortest_s, longest_s), duration_s - 1), 2)
        begin = round(begin, 2)
        of = {} if station is None else {"station": station}
        if begin < end:
            events.extend(({"at_s": begin, **of, key: value}, {"at_s": end, **of, key: after}))

    if any(s["role"] == "jammer" for s in stations):
        during("jamming", True, False, "JAM 1", 3, 30)
    if random.random() < 0.25:
        during("loss", random.choice([0.3, 1.0]), random.choice([0.0, 0.05]), None, 3, 20)
    for _ in range(random.choice([0, 0, 1, 2, 4])):
        during("on_air", False, True, random.choice(flying), 0.2, random.choice([2, 10, 40]))
    for chance, key, value, after, longest_s in (
        (0.2, "power_dbm", random.randint(-30, 30), 40, 30),
        (0.15, "channels", [2], [1, 2], 15),
    ):
        if random.random() < chance:
            during(key, value, after, random.choice(flying), 2, longest_s)
    return sorted(events, key=lambda event: event["at_s"])


def draw_outages(random: Random, duration_s: float) -> list[Table]:
    """In a third of all flights the receiver of the monitor is out, once or twice, and seldom to the end."""
    events: list[Table] = []
    for _ in range(random.choice([0, 0, 0, 0, 0, 0, 1, 1, 2])):
        begin = random.choice([0.0, random.uniform(1, duration_s * 0.9), random.uniform(1, duration_s * 0.9)])
        end = begin + random.choice([0.05, random.uniform(0.3, 3), random.uniform(3, 20), random.uniform(20, 60)])
        events.append({"at_s": round(begin, 2), "station": "MON 1", "on_air": False})
        if end < duration_s:
            events.append({"at_s": round(end, 2), "station": "MON 1", "on_air": True})
    return events
