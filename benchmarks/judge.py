"""What the judge costs for each frame that it hears, with all clauses of the shipped agreement in force. Run by hand:

python -m benchmarks.judge [--seconds 60] [--profile]

Half of the aircraft fly for each party, straight, spread over 60 x 60 NM and 20,000 ft of height. Each sends a POSITION
a second, a WATCH every 2 s (of its opponents in turn), an INTENT every 10 s and an IDENT every 20 s; whoever comes into
the contact ring is called and answers. The channel is widened so that 200 stations have their own slots; every frame is
heard by a monitor in the middle, and made before the clock starts. The best of three rounds is printed.
"""

import argparse
import cProfile
import gc
import math
import pstats
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import process_time_ns
from typing import Any

from protocol.agreement import Agreement, Annexes
from protocol.codec import encode
from protocol.heard import Heard, Receiver
from protocol.judge import Judge
from protocol.messages import (
    Ack,
    Emitter,
    Frame,
    Hail,
    Ident,
    Intent,
    IntentKind,
    Message,
    MessageType,
    PeerReport,
    Phrase,
    Position,
    Result,
    Watch,
    stamp,
)
from protocol.units import FT_M, KT_MPS, LIGHT_MPS, NM_M, NS_PER_MS, NS_PER_S
from protocol.verdicts import Outcome

AGREEMENT = Path(__file__).parents[1] / "configs" / "agreements" / "safety-of-flight-2015.toml"
START_NS = int(datetime(2015, 10, 21, 9, tzinfo=UTC).timestamp()) * NS_PER_S
STATIONS = (50, 100, 200)
ROUNDS = 3
RING_NM, SIDE_NM, LOWEST_FT, HIGHEST_FT = 21.0, 60.0, 20_000, 40_000
LATITUDE_DEG, LONGITUDE_DEG = 35.0, 36.0
DEGREE_M = 60 * NM_M
RECEIVER = Receiver(
    LATITUDE_DEG + SIDE_NM / 120, LONGITUDE_DEG + SIDE_NM / 120 / math.cos(math.radians(LATITUDE_DEG)), 300.0
)
RADIATED_DBM, HERTZ = 43.0, 127.5e6
SLOTS = 1000
"""Of 1 ms. The first of every five is shared."""
SHARED = [slot for slot in range(SLOTS) if slot % 5 == 0]
OWN = [slot for slot in range(SLOTS) if slot % 5]


def agreement() -> Agreement:
    """The agreement that ships, with a channel that has slots enough."""
    terms: dict[str, Any] = tomllib.loads(AGREEMENT.read_text(encoding="utf-8"))
    terms["channel"][0] |= {"bit_rate_bps": 1_000_000, "slot_ms": 1, "slots": SLOTS, "shared_slots": SHARED}
    terms["clause"]["3.1"]["margin_ms"] = 0.2
    return Agreement.model_validate(terms)


def annexes(aircraft: Iterable[tuple[int, int, list[int]]]) -> Annexes:
    """The register and the slots of aircraft, each given as its address, its party (0 or 1) and its slots."""
    register, slots = [], {}
    for address, party, own in aircraft:
        who = {"address": address, "call_sign": f"T{address:06X}", "role": "aircraft"}
        register.append(who | {"party": ("coalition", "federation")[party]})
        slots[address] = {1: tuple(own)}
    return Annexes.model_validate({"version": "1", "register": register, "slots": slots})


DIGEST = int(agreement().digest()[:8], 16)


@dataclass
class Aircraft:
    """Straight flight from a drawn place, and the numbers and counts of one session."""

    index: int
    random: Random
    party: int
    number: int = 0
    serial: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"idents": 0, "hails": 0, "acks": 0})
    called: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        draw = self.random.uniform
        self.address = 0x100001 + 0x100000 * self.party + self.index
        self.north_m, self.east_m = draw(0, SIDE_NM * NM_M), draw(0, SIDE_NM * NM_M)
        speed, track = draw(350, 550) * KT_MPS, draw(0, 2 * math.pi)
        self.north_mps, self.east_mps = speed * math.cos(track), speed * math.sin(track)
        self.height_ft, self.up_mps = draw(LOWEST_FT, HIGHEST_FT), draw(-2.0, 2.0)
        self.slots = OWN[3 * self.index : 3 * self.index + 3]

    def at(self, seconds: float) -> tuple[float, float]:
        return self.north_m + self.north_mps * seconds, self.east_m + self.east_mps * seconds

    def range_m(self, seconds: float) -> float:
        """How far it is from the monitor, in the middle of the square."""
        north, east = self.at(seconds)
        up_m = self.height_ft * FT_M + self.up_mps * seconds - RECEIVER.height_m
        return math.hypot(north - SIDE_NM * NM_M / 2, east - SIDE_NM * NM_M / 2, up_m)

    def position(self, seconds: float) -> Position:
        age_s = round(self.random.uniform(0.02, 0.12), 2)
        north, east = self.at(seconds - age_s)
        return Position(
            latitude_deg=LATITUDE_DEG + north / DEGREE_M,
            longitude_deg=LONGITUDE_DEG + east / DEGREE_M / math.cos(math.radians(LATITUDE_DEG)),
            baro_altitude_ft=round((self.height_ft + self.up_mps * (seconds - age_s) / FT_M) / 25) * 25,
            velocity_north_mps=self.north_mps,
            velocity_east_mps=self.east_mps,
            velocity_up_mps=self.up_mps,
            nic=8,
            nacp=9,
            nacv=2,
            age_s=age_s,
            idents=self.counts["idents"],
            hails=self.counts["hails"],
            acks=self.counts["acks"],
        )


class Traffic:
    """What a monitor hears of them all, in order of arrival."""

    def __init__(self, stations: int, seconds: int):
        self.random = Random(stations)
        self.aircraft = [Aircraft(i, Random(self.random.random()), i % 2) for i in range(stations)]
        self.parties = [self.aircraft[0::2], self.aircraft[1::2]]
        self.answers: list[tuple[int, Aircraft, Message]] = []
        """ACKs of the next second: when, by whom."""
        self.heard: list[Heard] = []
        for second in range(seconds):
            self._second(second)

    def _second(self, second: int) -> None:
        """Everybody's turns, in the order of the slots: numbers and counts are those of the instant."""
        answers, self.answers = self.answers, []
        turns: list[tuple[int, int, Aircraft, Message | None]] = [(slot, 3, a, ack) for slot, a, ack in answers]
        turns += [(slot, kind, a, None) for a in self.aircraft for kind, slot in enumerate(a.slots)]
        for slot, kind, a, ready in sorted(turns, key=lambda turn: turn[:2]):
            turn = second + a.index
            if kind == 0:
                self._send(a, second, slot, a.position(second + slot / SLOTS))
            elif kind == 1:
                self._periodic(a, second, slot, turn)
            elif kind == 2:
                self._call(a, second, slot, self._peer(a, turn))
            elif ready is not None:
                self._send(a, second, slot, ready)
                a.counts["acks"] += 1

    def _periodic(self, a: Aircraft, second: int, slot: int, turn: int) -> None:
        if turn % 2 == 0:
            peer = self._peer(a, turn)
            report = PeerReport(peer.address, 1, max(peer.number - 1, 0), 0xFFFFFFFF)
            self._send(a, second, slot, Watch(frozenset({1, 2, 3}), 100, a.counts["hails"], a.counts["acks"], report))
        elif turn % 10 == 1:
            a.serial = 1
            self._send(a, second, slot, Intent(1, IntentKind.TRANSIT, 120))
        elif turn % 20 == 3:
            self._send(a, second, slot, Ident("EAGLE 1", Emitter.HIGH_PERFORMANCE, DIGEST, frozenset({1, 2, 3})))
            a.counts["idents"] += 1

    def _call(self, caller: Aircraft, second: int, slot: int, peer: Aircraft) -> None:
        """Call the opponent whose turn it is, when it comes near for the first time."""
        if (
            peer.index in caller.called
            or caller.index in peer.called
            or math.dist(caller.at(second), peer.at(second)) > RING_NM * NM_M
        ):
            return
        caller.called.add(peer.index)
        hail = Hail(peer.address, Phrase.CONTACT, len(caller.called), 10, 1)
        number = self._send(caller, second, slot, hail)
        caller.counts["hails"] += 1
        ack = Ack(caller.address, 1, number, MessageType.HAIL, Result.ROGER)
        self.answers.append((SHARED[self.random.randrange(len(SHARED))], peer, ack))

    def _peer(self, a: Aircraft, turn: int) -> Aircraft:
        others = self.parties[1 - a.party]
        return others[turn // 2 % len(others)]

    def _send(self, a: Aircraft, second: int, slot: int, message: Message) -> int:
        number, a.number = a.number, a.number + 1
        at_ns = START_NS + second * NS_PER_S + slot * NS_PER_MS
        range_m = a.range_m(second + slot / SLOTS)
        power_dbm = round(RADIATED_DBM - 20 * math.log10(4 * math.pi * range_m * HERTZ / LIGHT_MPS), 1)
        arrival_ns = at_ns + round(range_m / LIGHT_MPS * NS_PER_S)
        frame, name = Frame(a.address, 1, number, 1, a.serial, 3, stamp(at_ns), message), f"m1#{len(self.heard) + 1}"
        self.heard.append(Heard(name, arrival_ns, 1, frame, encode(frame), 1_000_000, power_dbm, RECEIVER))
        return number

    def annexes(self) -> Annexes:
        return annexes([(a.address, a.party, a.slots) for a in self.aircraft])


def judged(terms: Agreement, annexes: Annexes, heard: list[Heard]) -> Judge:
    """A judge that has heard it all and given its verdicts."""
    judge = Judge(terms, annexes)
    for one in heard:
        judge.hear(one)
    judge.close(heard[-1].at_ns)
    return judge


def measure(stations: int, seconds: int) -> None:
    """Print what a frame costs among so many stations."""
    traffic, terms = Traffic(stations, seconds), agreement()
    annexes, times = traffic.annexes(), []
    for _ in range(ROUNDS):
        gc.collect()
        gc.freeze()  # the frames are there already, and are not what is measured
        begin_ns = process_time_ns()
        judge = judged(terms, annexes, traffic.heard)
        times.append((process_time_ns() - begin_ns) / len(traffic.heard) / 1000)
    found = {outcome.value: sum(t.counts[outcome] for t in judge.so_far()) for outcome in Outcome}
    print(f"{stations:4} stations, {len(traffic.heard):6} frames: {min(times):6.1f} us a frame; {found}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--profile", action="store_true", help="show where the time goes, for the most stations")
    asked = parser.parse_args()
    if asked.profile:
        crowd = Traffic(STATIONS[-1], asked.seconds)
        with cProfile.Profile() as profile:
            judged(agreement(), crowd.annexes(), crowd.heard)
        profile.create_stats()
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    else:
        for count in STATIONS:
            measure(count, asked.seconds)
