"""How much a judge remembers in a day, and whether that grows. Run by hand; no part of it is a time:

python -m benchmarks.day [--stations 50] [--hours 24] [--every 4]

Half of the aircraft fly for each party, in circles, with a POSITION every few seconds, WATCHes, INTENTs and IDENTs.
They call who comes near, and answer. One frame in twenty is not heard; now and then one is sent again by somebody, and
one aircraft after the other begins another session, or is silent for eleven minutes, so that as many are at any time.
What is counted is everything that can be reached from the judge, as objects and bytes, without the findings themselves:
those are told as they are made, and a tally keeps them only for its report. It goes up and down with who is silent, and
near whom; so what is printed is the most of those eleven minutes that begin with the time given.
"""

import argparse
import gc
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from benchmarks.judge import DEGREE_M, LATITUDE_DEG, LONGITUDE_DEG, OWN, RING_NM, START_NS, agreement, annexes
from protocol.agreement import Annexes
from protocol.codec import encode
from protocol.heard import Heard
from protocol.judge import Judge
from protocol.messages import (
    Ack,
    Emitter,
    Frame,
    FrameKey,
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
from protocol.units import NM_M, NS_PER_MS, NS_PER_S

SIDE_NM, RADIUS_NM, LOSS, COPIES = 80.0, 8.0, 0.05, 0.001
SILENCE_S = 660
GUARDED = frozenset({1, 2, 3})


@dataclass
class Aircraft:
    """One that flies in a circle, and the numbers and counts of its session."""

    index: int
    random: Random
    session: int = 0
    number: int = 1000
    """Not 0: small numbers cost Python nothing, and so would the first minutes."""
    begun_s: int = 0
    silent_until_s: int = 0
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])
    receipt: FrameKey | None = None
    talked: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        draw = self.random.uniform
        self.address = 0x100001 + 0x100000 * (self.index % 2) + self.index
        self.middle_m = draw(0, SIDE_NM * NM_M), draw(0, SIDE_NM * NM_M)
        self.radius_m, self.phase = draw(0.5, 1.0) * RADIUS_NM * NM_M, draw(0, 2 * math.pi)
        self.rate = draw(180, 240) / self.radius_m
        self.height_ft = 25 * round(draw(800, 1600))
        self.slots = OWN[3 * self.index : 3 * self.index + 3]

    def place(self, at_s: float) -> tuple[float, float, float, float]:
        """North and east in metres, and the velocity."""
        turn, speed = self.phase + self.rate * at_s, self.rate * self.radius_m
        north = self.middle_m[0] + self.radius_m * math.cos(turn)
        east = self.middle_m[1] + self.radius_m * math.sin(turn)
        return north, east, -speed * math.sin(turn), speed * math.cos(turn)

    def restart(self, at_s: int) -> None:
        self.session, self.number, self.begun_s = (self.session + 1) % 255, 1000, at_s
        self.counts, self.receipt = [0, 0, 0], None
        self.talked.clear()

    def position(self, at_s: float) -> Position:
        north, east, north_mps, east_mps = self.place(at_s)
        return Position(
            latitude_deg=LATITUDE_DEG + north / DEGREE_M,
            longitude_deg=LONGITUDE_DEG + east / DEGREE_M / math.cos(math.radians(LATITUDE_DEG)),
            baro_altitude_ft=self.height_ft,
            velocity_north_mps=north_mps,
            velocity_east_mps=east_mps,
            velocity_up_mps=0.0,
            nic=8,
            nacp=9,
            nacv=2,
            age_s=0.0,
            idents=self.counts[0] % 256,
            hails=self.counts[1] % 256,
            acks=self.counts[2] % 256,
            receipt=self.receipt,
        )


class Day:
    """What a monitor hears of them, frame by frame; nothing is kept but the last few frames."""

    def __init__(self, stations: int, every_s: int, session_s: int):
        self.random = Random(stations)
        self.aircraft = [Aircraft(i, Random(self.random.random())) for i in range(stations)]
        self.every_s, self.session_s = every_s, session_s
        self.heard = 0
        self.last: list[Heard] = []
        self.agreement = agreement()
        self.digest = int(self.agreement.digest()[:8], 16)

    def annexes(self) -> Annexes:
        return annexes([(a.address, a.index % 2, a.slots) for a in self.aircraft])

    def second(self, at_s: int) -> Iterator[Heard]:
        """One second's frames, in the order of their slots."""
        for turn in range(3):
            for a in self.aircraft:
                if a.silent_until_s <= at_s and (at_s + a.index) % self.every_s == 0:
                    message = self._message(a, at_s, turn)
                    if message is not None:
                        yield from self._send(a, at_s, a.slots[turn], message)
        if self.last and self.random.random() < COPIES * len(self.aircraft):
            again = self.random.choice(self.last)
            yield again._replace(id=self._name(), at_ns=START_NS + at_s * NS_PER_S + 999 * NS_PER_MS)

    def _message(self, a: Aircraft, at_s: int, turn: int) -> Message | None:
        if turn == 0:
            self._fate(a, at_s)
            return a.position(at_s + a.slots[0] / 1000)
        count = at_s // self.every_s + a.index
        if turn == 1:
            if count % 10 == 3:
                return Ident("EAGLE 1", Emitter.HIGH_PERFORMANCE, self.digest, GUARDED)
            if count % 5 == 1:
                return Intent((at_s - a.begun_s) // 1000 + 1, IntentKind.TRANSIT, 1200)
            peer = self._peer(a, count)
            report = PeerReport(peer.address, peer.session, max(peer.number - 1, 0) & 0xFFFF, 0xFFFFFFFF)
            return Watch(GUARDED, 9, a.counts[1] % 256, a.counts[2] % 256, report)
        peer = self._peer(a, count)
        meeting = peer.address, peer.session
        near = math.dist(a.place(at_s)[:2], peer.place(at_s)[:2]) < RING_NM * NM_M
        if not near or meeting in a.talked or peer.silent_until_s > at_s:
            return None
        a.talked.add(meeting)
        peer.talked.add((a.address, a.session))
        peer.receipt = FrameKey(a.address, a.session, a.number & 0xFFFF)
        return Hail(peer.address, Phrase.CONTACT, 1, 10, 1)

    def _fate(self, a: Aircraft, at_s: int) -> None:
        """Now and then it begins another session, or is not heard for long: one after the other, so that it is as many
        at any time."""
        turn, since_s = divmod(at_s + a.index * self.session_s // len(self.aircraft), self.session_s)
        if since_s >= self.every_s or at_s < self.every_s:
            return
        if (turn + a.index) % 2:
            a.restart(at_s)
        else:
            a.silent_until_s = at_s + SILENCE_S

    def _peer(self, a: Aircraft, count: int) -> Aircraft:
        others = self.aircraft[1 - a.index % 2 :: 2]
        return others[count % len(others)]

    def _send(self, a: Aircraft, at_s: int, slot: int, message: Message) -> Iterator[Heard]:
        number, a.number = a.number & 0xFFFF, a.number + 1
        serial = (at_s - a.begun_s) // 1000 + 1 if a.number > 1003 else 0
        at_ns = START_NS + at_s * NS_PER_S + slot * NS_PER_MS
        frame = Frame(a.address, a.session, number, 1, serial % 256, 3, stamp(at_ns), message)
        for i, kind in enumerate((Ident, Hail, Ack)):
            a.counts[i] += isinstance(message, kind)
        if self.random.random() >= LOSS:
            heard = Heard(self._name(), at_ns + 100_000, 1, frame, encode(frame), 1_000_000)
            self.last = [*self.last[-20:], heard]
            yield heard
        if isinstance(message, Hail):
            b = next(x for x in self.aircraft if x.address == message.addressee)
            ack = Ack(a.address, a.session, number, MessageType.HAIL, Result.ROGER)
            if self.random.random() < 0.9:
                yield from self._send(b, at_s, 995, ack)

    def _name(self) -> str:
        self.heard += 1
        return f"m1#{self.heard}"


EARLY_S = 600
"""From when on it must not grow any more."""
ROUND_S = range(0, SILENCE_S, 60)
"""When it is looked at, from an instant on: while one silence lasts."""
IGNORED = (type, ModuleType, FunctionType, BuiltinFunctionType)


def remembered(judge: Judge) -> tuple[int, int]:
    """Objects and bytes that can be reached from a judge, but for its tallies."""
    seen = {id(judge.tallies), id(judge.__dict__)}
    todo: list[Any] = [value for name, value in vars(judge).items() if name != "tallies"]
    size = 0
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, IGNORED) or thing is judge:
            continue
        seen.add(id(thing))
        size += thing.nbytes if isinstance(thing, np.ndarray) else sys.getsizeof(thing)
        todo += gc.get_referents(thing)
    return len(seen), size


def measured(day: Day, until_s: int, at_s: set[int]) -> Iterator[tuple[int, int, int, Judge]]:
    """Judge a day; at these instants, and at the end, tell how much is remembered: (second, objects, bytes, judge)."""
    judge = Judge(day.agreement, day.annexes())
    for second in range(until_s):
        if second in at_s:
            yield second, *remembered(judge), judge
        for heard in day.second(second):
            judge.hear(heard)
    yield until_s, *remembered(judge), judge


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=50)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--every", type=int, default=4, help="seconds between the POSITIONs of a station")
    parser.add_argument("--session", type=int, default=5500, help="seconds until it does something else")
    asked = parser.parse_args()
    flown, until_s = Day(asked.stations, asked.every, asked.session), round(asked.hours * 3600)
    begins = [s for s in (EARLY_S, 3600, 7200, 21_600, 43_200) if s < until_s - SILENCE_S] + [until_s - SILENCE_S]
    most = dict.fromkeys(begins, (0, 0))
    for second, objects, size, judge in measured(flown, until_s, {b + s for b in begins for s in ROUND_S}):
        begin = max((b for b in begins if b <= second), default=EARLY_S)
        most[begin] = max(most[begin], (objects, size))
        if second == begin + ROUND_S[-1]:
            findings = sum(len(tally.findings) for tally in judge.tallies.values())
            print(
                f"{begin / 3600:5.2f} h: {flown.heard:8} frames, {most[begin][0]:8} objects, "
                f"{most[begin][1] / 1e6:6.1f} MB; {findings} findings",
                flush=True,
            )
