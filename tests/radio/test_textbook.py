"""The medium against the textbook: ALOHA and slotted ALOHA, a receiver that the first frame holds, carrier sense."""

import math
from random import Random

import pytest

from radio.curves import Curve
from radio.medium import BackOff, Channel, Equipment, Laws, Medium, Outcome, Transmission

SECOND = 1_000_000_000
FRAME, AIRTIME_NS = bytes(40), 320_000
ANY_SINR = Curve(sinr_db=(-100.0,), success=(1.0,))
SOURCES, LISTENER = range(1, 201), 0
LOADS = [0.1, 0.25, 0.5, 1.0, 2.0]
N = 8_000


def channel(**more) -> Channel:
    return Channel(number=1, frequency_hz=1e9, bandwidth_hz=1e6, bit_rate_bps=1e6, curve=ANY_SINR, **more)


def medium_of(capture: str, air: Channel, listens: bool = False) -> Medium:
    """One listener; around it, at equal distances, all the others."""
    medium = Medium([air], Laws(capture=capture), seed=1)
    for address in (LISTENER, *SOURCES):
        medium.join(Equipment(address=address, listens=address == LISTENER or listens), frozenset({1}), 0)
        angle = 2 * math.pi * address / len(SOURCES)
        away_m = 0.0 if address == LISTENER else 3_000.0
        place = (6.4e6, away_m * math.cos(angle), away_m * math.sin(angle))
        medium.place(address, 0, place, (0.0, 0.0, 0.0), 9_000.0)
    return medium


def received(medium: Medium, starts_ns: list[int], random: Random) -> tuple[int, int]:
    """Of frames that start then, each at any station: how many the listener received, of how many that were sent."""
    for number, start_ns in enumerate(starts_ns):
        medium.transmit(Transmission(random.choice(SOURCES), number >> 16, number & 0xFFFF, 1, start_ns, FRAME))
    fates = medium.settle(1 << 62)
    heard = [dict(zip(fate.receivers, fate.outcomes, strict=True))[LISTENER] for fate in fates]
    return heard.count(Outcome.RECEIVED), len(heard)


def at_random(load: float, random: Random) -> list[int]:
    """Instants of a Poisson process of this load."""
    at_ns, starts_ns = SECOND, []
    for _ in range(N):
        at_ns += round(random.expovariate(load) * AIRTIME_NS)
        starts_ns.append(at_ns)
    return starts_ns


def assert_share(found: tuple[int, int], expected: float) -> None:
    """Within five standard deviations; neighbours share their fate, which doubles the variance at most."""
    share, n = found[0] / found[1], found[1]
    assert share == pytest.approx(expected, abs=5 * math.sqrt(2 * expected * (1 - expected) / n))


@pytest.mark.parametrize("load", LOADS)
def test_pure_aloha(load):
    """Abramson 1970: a frame gets through if no other starts within one airtime before or after."""
    random = Random(f"pure {load}")
    assert_share(received(medium_of("none", channel()), at_random(load, random), random), math.exp(-2 * load))


@pytest.mark.parametrize("load", LOADS)
def test_slotted_aloha(load):
    """Roberts 1975: only those in the same slot do any harm."""
    random = Random(f"slotted {load}")
    slots = [random.randrange(round(N / load)) for _ in range(N)]
    starts_ns = [SECOND + slot * AIRTIME_NS for slot in slots]
    assert_share(received(medium_of("none", channel()), starts_ns, random), math.exp(-load))


@pytest.mark.parametrize("load", LOADS)
def test_the_first_frame_holds_the_receiver(load):
    """A single server without a queue (Erlang B): the share of the time that it is free, as the ideal PHY of ns-3."""
    random = Random(f"first {load}")
    assert_share(received(medium_of("first", channel()), at_random(load, random), random), 1 / (1 + load))


def test_who_hears_the_channel_busy_waits():
    """At a load at which pure ALOHA loses most, carrier sense loses only what starts within one delay."""
    random = Random("csma")
    air = channel(back_off=BackOff(slot_ns=AIRTIME_NS, most_slots=32, attempts=100))
    medium = medium_of("none", air, listens=True)
    starts_ns = at_random(0.5, random)[:2_000]
    got, sent = received(medium, starts_ns, random)
    assert sent == len(starts_ns), "nobody gave up"
    assert got / sent > 0.9 > 2 * math.exp(-1)


def test_who_never_finds_it_free_gives_up():
    """Ten times in a row within a frame of 40 ms; and only who hears the other at all."""
    slow = Channel(
        number=1,
        frequency_hz=1e9,
        bandwidth_hz=1e6,
        bit_rate_bps=8_000,
        back_off=BackOff(slot_ns=1_000_000, most_slots=3, attempts=10),
    )
    medium = Medium([slow], seed=1)
    for address, east_m in ((1, 0.0), (2, 10_000.0), (3, 900_000.0)):
        medium.join(Equipment(address=address), frozenset({1}), 0)
        medium.place(address, 0, (6.4e6, east_m, 0.0), (0.0, 0.0, 0.0), 9_000.0)
    for source, start_ns in ((1, SECOND), (2, SECOND + 5_000_000), (3, SECOND + 6_000_000)):
        medium.transmit(Transmission(source, 0, 0, 1, start_ns, FRAME))
    settled = medium.settle(2 * SECOND)
    assert [sent.source for sent in settled.given_up] == [2]
    assert [(f.transmission.source, f.transmission.start_ns) for f in settled] == [(1, SECOND), (3, SECOND + 6_000_000)]


def test_a_delayed_frame_starts_when_it_starts():
    """Who waits is put on the air after the other's end, a whole number of its slots later than it wanted."""
    air = channel(back_off=BackOff(slot_ns=100_000, most_slots=5, attempts=100))
    medium = medium_of("margin", air, listens=True)
    medium.transmit(Transmission(1, 0, 0, 1, SECOND, FRAME))
    medium.transmit(Transmission(2, 0, 0, 1, SECOND + 50_000, FRAME))
    first, second = medium.settle(2 * SECOND)
    assert first.transmission.start_ns == SECOND
    later_ns = second.transmission.start_ns - SECOND - 50_000
    assert later_ns % 100_000 == 0
    assert second.transmission.start_ns > SECOND + AIRTIME_NS
    assert set(second.outcomes) == {Outcome.RECEIVED}
