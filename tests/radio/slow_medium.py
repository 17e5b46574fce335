"""The rules of the medium once more: one frame, one receiver, one interferer at a time, in plain Python."""

import math
from dataclasses import dataclass, field

import numpy as np

from radio.draws import uniform
from radio.medium import Burst, Channel, Equipment, Fate, Outcome, Transmission
from radio.slots import airtime_ns


@dataclass
class Station:
    radio: Equipment
    places: list = field(default_factory=list)  # (at_ns, position_m, velocity_mps, height_m)
    tunings: list = field(default_factory=list)  # (at_ns, channels)


def latest(history, at_ns):
    return [entry for entry in history if entry[0] <= at_ns][-1]


def tenths(value_db):
    return round(value_db * 10) / 10 + 0.0


class SlowMedium:
    """Stations that are there all the time, their frames and the bursts of jammers."""

    def __init__(self, channels, stations, sent, seed, loss, capture="margin", retune_ns=0):
        self.channels: dict[int, Channel] = {c.number: c for c in channels}
        self.stations = {station.radio.address: station for station in stations}
        self.sent, self.seed, self.loss, self.capture, self.retune_ns = sent, seed, loss, capture, retune_ns

    def listeners(self):
        return [address for address, s in self.stations.items() if s.radio.listens]

    def where(self, address, at_ns):
        placed_ns, position_m, velocity_mps, height_m = latest(self.stations[address].places, at_ns)
        elapsed_s = (at_ns - placed_ns) / 1e9
        return [p + v * elapsed_s for p, v in zip(position_m, velocity_mps, strict=True)], height_m

    def distance_m(self, a, b, at_ns):
        return math.dist(self.where(a, at_ns)[0], self.where(b, at_ns)[0])

    def horizon_m(self, a, b, at_ns):
        roots = [math.sqrt(max(self.where(address, at_ns)[1], 1)) for address in (a, b)]
        return math.sqrt(2 * 6_371_000 * 4 / 3) * sum(roots)

    def noise_dbm(self, address, channel):
        radio = self.stations[address].radio
        return tenths(-174 + radio.noise_figure_db + 10 * math.log10(self.channels[channel].bandwidth_hz))

    def reach_m(self, frame):
        """Beyond this nobody could hear it, nor be disturbed by it."""
        listeners, channel, source = self.listeners(), self.channels[frame.channel], self.stations[frame.source].radio
        if not listeners:
            return 0.0
        horizon_m = max(self.horizon_m(frame.source, other, frame.start_ns) for other in listeners)
        gain_db = source.gain_dbi + max(0.0, *(self.stations[a].radio.gain_dbi for a in listeners))
        floor_dbm = min(self.noise_dbm(a, frame.channel) for a in listeners) - 20
        budget_db = source.power_dbm + gain_db - floor_dbm
        return min(horizon_m, max(10 ** (budget_db / 20) * 299_792_458 / channel.frequency_hz / (4 * math.pi), 1))

    def in_range(self, frame, receiver):
        return self.distance_m(frame.source, receiver, frame.start_ns) <= self.reach_m(frame)

    def airtime_ns(self, frame):
        if isinstance(frame, Burst):
            return frame.duration_ns
        return airtime_ns(len(frame.data), self.channels[frame.channel].bit_rate_bps)

    def link(self, frame, receiver):
        """(arrival, end, power, beyond horizon) of a frame at a receiver."""
        distance_m = self.distance_m(frame.source, receiver, frame.start_ns)
        beyond = distance_m > self.horizon_m(frame.source, receiver, frame.start_ns)
        source, hearer = self.stations[frame.source].radio, self.stations[receiver].radio
        frequency_hz = self.channels[frame.channel].frequency_hz
        loss_db = 20 * math.log10(4 * math.pi * max(distance_m, 1) * frequency_hz / 299_792_458)
        power_dbm = tenths(source.power_dbm + source.gain_dbi + hearer.gain_dbi - loss_db)
        arrival_ns = frame.start_ns + round(distance_m / 0.299792458)
        return arrival_ns, arrival_ns + self.airtime_ns(frame), power_dbm, beyond

    def tuned(self, receiver, channel, at_ns):
        """By going through its tunings: who was tuned before goes on hearing."""
        hears_from_ns = None
        for number, (when_ns, channels) in enumerate(self.stations[receiver].tunings):
            if when_ns <= at_ns:
                if channel not in channels:
                    hears_from_ns = None
                elif hears_from_ns is None:
                    hears_from_ns = when_ns + (self.retune_ns if number else 0)
        return hears_from_ns is not None and hears_from_ns <= at_ns

    def overlapping(self, frame, receiver):
        """(sends itself, {other frame: power in mW})."""
        arrival_ns, end_ns, _, _ = self.link(frame, receiver)
        sends, powers = False, {}
        for other in self.sent:
            if other is frame:
                continue
            if other.source == receiver:
                sends |= other.start_ns < end_ns and arrival_ns < other.start_ns + self.airtime_ns(other)
            elif other.channel == frame.channel and self.in_range(other, receiver):
                first_ns, last_ns, power_dbm, beyond = self.link(other, receiver)
                matters = not beyond and power_dbm >= tenths(self.noise_dbm(receiver, frame.channel) - 20)
                if matters and first_ns < end_ns and arrival_ns < last_ns:
                    powers[self.sent.index(other)] = 10 ** (power_dbm / 10)
        return sends, powers

    def success(self, frame, sinr_db):
        curve = self.channels[frame.channel].curve
        first, table = curve.probabilities(len(frame.data))
        at = round(sinr_db * 10) - first
        return 0.0 if at < 0 else float(table[min(at, len(table) - 1)])

    def drawn(self, frame, receiver, purpose):
        key = (self.seed, frame.source, frame.session, frame.sequence, np.array([receiver], np.uint64), purpose)
        return uniform(*key)[0]

    def holds(self, frame, receiver):
        """Whether a frame that comes to a receiver finds it free: no frame that came before still holds it."""
        _, arrivals = None, []
        for number, other in enumerate(self.sent):
            if isinstance(other, Burst) or other.channel != frame.channel or other.source == receiver:
                continue
            if self.in_range(other, receiver):
                arrivals.append((self.link(other, receiver)[0], other.start_ns, other.source, other.sequence, number))
        busy_until_ns = 0
        for arrival_ns, _, _, _, number in sorted(arrivals):
            other = self.sent[number]
            noticed = self.takes_notice(other, receiver)
            if other is frame:
                return noticed and arrival_ns >= busy_until_ns
            if noticed and arrival_ns >= busy_until_ns:
                busy_until_ns = arrival_ns + self.airtime_ns(other)
        raise AssertionError("the frame itself is among them")

    def takes_notice(self, frame, receiver):
        arrival_ns, _, power_dbm, beyond = self.link(frame, receiver)
        snr_db = power_dbm - self.noise_dbm(receiver, frame.channel)
        busy = any(
            other.source == receiver and other.start_ns <= arrival_ns < other.start_ns + self.airtime_ns(other)
            for other in self.sent
        )
        return (
            self.tuned(receiver, frame.channel, frame.start_ns)
            and not beyond
            and self.success(frame, snr_db) > 0
            and not busy
        )

    def outcome(self, frame, receiver):
        """(outcome, SINR, rivals)."""
        _, _, power_dbm, beyond = self.link(frame, receiver)
        sends, powers = self.overlapping(frame, receiver)
        noise_dbm, total_mw = self.noise_dbm(receiver, frame.channel), sum(powers.values())
        snr_db = sinr_db = tenths(power_dbm - noise_dbm)
        lost = False
        drawn = self.drawn(frame, receiver, 2)
        if powers:
            sinr_db = min(snr_db, tenths(power_dbm - tenths(10 * math.log10(total_mw + 10 ** (noise_dbm / 10)))))
            margin_db = tenths(power_dbm - tenths(10 * math.log10(total_mw)))
            lost = {
                "margin": margin_db < 10,
                "first": self.capture == "first" and not self.holds(frame, receiver),
                "none": True,
            }[self.capture] or drawn >= self.success(frame, sinr_db)
        rivals = sorted((-power_mw, self.sent[n].source) for n, power_mw in powers.items())
        names = tuple(dict.fromkeys(source for _, source in rivals))
        jam_mw = max((p for n, p in powers.items() if isinstance(self.sent[n], Burst)), default=0)
        other_mw = max((p for n, p in powers.items() if not isinstance(self.sent[n], Burst)), default=0)
        for outcome, cause in (
            ("not_tuned", not self.tuned(receiver, frame.channel, frame.start_ns)),
            ("half_duplex", sends),
            ("beyond_horizon", beyond),
            ("below_sensitivity", self.success(frame, snr_db) == 0),
            ("jammed", lost and jam_mw > other_mw),
            ("collision", lost),
            ("corrupted", drawn >= self.success(frame, snr_db)),
            ("faded", self.drawn(frame, receiver, 1) < self.loss),
            ("received", True),
        ):
            if cause:
                return outcome, sinr_db, names if outcome in ("jammed", "collision") else ()
        raise AssertionError("received is always true")

    def fate(self, frame):
        others = sorted(set(self.listeners()) - {frame.source})
        receivers = [receiver for receiver in others if self.in_range(frame, receiver)]
        links = [self.link(frame, receiver) for receiver in receivers]
        results = [self.outcome(frame, receiver) for receiver in receivers]
        return Fate(
            frame,
            max([end_ns for _, end_ns, _, _ in links], default=frame.start_ns + self.airtime_ns(frame)),
            tuple(receivers),
            tuple(Outcome(outcome) for outcome, _, _ in results),
            tuple(power_dbm for _, _, power_dbm, _ in links),
            tuple(sinr_db for _, sinr_db, _ in results),
            tuple(arrival_ns for arrival_ns, _, _, _ in links),
            tuple(rivals for _, _, rivals in results),
            len(others) - len(receivers),
        )

    def fates(self):
        frames = [self.fate(frame) for frame in self.sent if isinstance(frame, Transmission)]
        return sorted(frames, key=lambda fate: (fate.due_ns, fate.transmission.source, fate.transmission.sequence))
