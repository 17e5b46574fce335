"""How busy the channels are and what becomes of frames there: counters by channel, slot, station and cause."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from radio.frames import OUTCOMES, Channel, Outcome, Settled, Transmission
from radio.slots import airtime_ns

MOST_UNCOUNTED = 20_000
"""Receptions that may wait to be counted: what a processor keeps at hand."""
FAR = OUTCOMES.index(Outcome.OUT_OF_RANGE)


@dataclass(slots=True)
class ChannelLoad:
    """One channel so far. `slots` counts the frames in each slot, `missed` those that meant another.

    `given_up` counts frames that never found the channel free.
    """

    frames: int = 0
    airtime_ns: int = 0
    given_up: int = 0
    missed: int = 0
    slots: Counter[int] = field(default_factory=Counter)


class Load:
    """Counts what a medium settles.

    `sent[channel, station]` are the outcomes of a station's frames at all their receivers, `heard[channel, station]`
    those of all frames at one receiver; `frames[channel, station]` how many frames a station sent.
    """

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._channels = {c.number: c for c in channels}
        self._loads = {number: ChannelLoad() for number in sorted(self._channels)}
        self.transmissions = 0
        self._columns = {number: column for column, number in enumerate(self._loads)}
        self._addresses = np.zeros(0, np.int64)
        shape = (len(self._loads), 0, len(OUTCOMES))
        self._sent, self._heard = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._frames = np.zeros((len(self._loads), 0, 1), np.int64)
        self._uncounted: list[Settled] = []
        self._rows = 0

    def take(self, settled: Settled) -> None:
        """Count what was settled."""
        self.transmissions += len(settled)
        for sent in settled.given_up:
            self._loads[sent.channel].given_up += 1
        if not len(settled):
            return
        self._uncounted.append(settled)
        self._rows += len(settled.receiver)
        if self._rows > MOST_UNCOUNTED:
            self._count()

    def _count(self) -> None:
        """Put into the tables what is not yet in them: much at a time, for every time takes its time."""
        parts, self._uncounted, self._rows = self._uncounted, [], 0
        if not parts:
            return
        sent = [t for part in parts for t in part.transmissions]
        columns = np.array([self._columns[t.channel] for t in sent])
        rows = np.concatenate([np.diff(part.begins) for part in parts])
        outcome = np.concatenate([part.outcome for part in parts])
        sources = np.array([t.source for t in sent])
        receivers = np.concatenate([part.receiver for part in parts])
        self._make_room(sources)
        receiver = self._make_room(receivers)
        source = self._addresses.searchsorted(sources)
        self._count_frames(sent, columns)
        _, width, kinds = self._sent.shape
        self._add(self._frames, columns * width + source)
        self._add(self._heard, (columns * (width * kinds)).repeat(rows) + receiver * kinds + outcome)
        self._add(self._sent, ((columns * width + source) * kinds).repeat(rows) + outcome)
        out_of_range = np.concatenate([part.out_of_range for part in parts])
        np.add.at(self._sent[:, :, FAR], (columns, source), out_of_range)

    def _count_frames(self, sent: Sequence[Transmission], columns: Any) -> None:
        """What does not depend on receivers."""
        start_ns, size = np.array([t.start_ns for t in sent]), np.array([len(t.data) for t in sent])
        meant = np.array([-1 if t.slot is None else t.slot for t in sent])
        for number, column in self._columns.items():
            mine = (columns == column).nonzero()[0]
            load, channel = self._loads[number], self._channels[number]
            took_ns = np.array([airtime_ns(n, channel.bit_rate_bps) for n in size[mine].tolist()], np.int64)
            load.frames += len(mine)
            load.airtime_ns += int(took_ns.sum())
            if (plan := channel.plan) is not None:
                hit = (start_ns[mine] + took_ns // 2) % plan.period_ns // plan.slot_ns  # as `Channel.slot_hit`
                load.slots.update(hit.tolist())
                load.missed += int(np.count_nonzero((meant[mine] >= 0) & (meant[mine] != hit)))

    def _make_room(self, addresses: Any) -> Any:
        """Put new stations into the tables; returns the places of all of these."""
        known = self._addresses
        at = known.searchsorted(addresses)
        if len(known) and (known.take(at, mode="clip") == addresses).all():
            return at
        self._addresses = np.union1d(known, addresses)
        kept = self._addresses.searchsorted(known)
        for name in ("_sent", "_heard", "_frames"):
            old = getattr(self, name)
            new = np.zeros((old.shape[0], len(self._addresses), old.shape[2]), np.int64)
            new[:, kept] = old
            setattr(self, name, new)
        return self._addresses.searchsorted(addresses)

    @staticmethod
    def _add(table: Any, cells: Any) -> None:
        """Add one to cells of a table, by their numbers in it."""
        table += np.bincount(cells, minlength=table.size).reshape(table.shape)

    @property
    def channels(self) -> Mapping[int, ChannelLoad]:
        """Each channel so far, by number."""
        self._count()
        return self._loads

    @property
    def frames(self) -> Mapping[tuple[int, int], int]:
        """How many frames each station has sent, by channel and station."""
        self._count()
        addresses = self._addresses.tolist()
        return Counter(
            {
                (number, addresses[place]): int(self._frames[column, place, 0])
                for number, column in self._columns.items()
                for place in self._frames[column, :, 0].nonzero()[0].tolist()
            }
        )

    @property
    def sent(self) -> Mapping[tuple[int, int], Mapping[Outcome, int]]:
        """The outcomes of each station's frames, by channel and station."""
        self._count()
        return self._told(self._sent)

    @property
    def heard(self) -> Mapping[tuple[int, int], Mapping[Outcome, int]]:
        """The outcomes at each receiver, by channel and station; who was out of range is not counted here."""
        self._count()
        return self._told(self._heard)

    def _told(self, table: Any) -> dict[tuple[int, int], dict[Outcome, int]]:
        told: dict[tuple[int, int], dict[Outcome, int]] = {}
        for column, number in enumerate(self.channels):
            for place, address in enumerate(self._addresses.tolist()):
                counts = table[column, place].tolist()
                if any(counts):
                    told[number, address] = {o: n for o, n in zip(OUTCOMES, counts, strict=True) if n}
        return told

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How often each outcome occurred, in all."""
        self._count()
        totals = self._sent.sum(axis=(0, 1)).tolist()
        return Counter({outcome: n for outcome, n in zip(OUTCOMES, totals, strict=True) if n})

    def to_json(self) -> dict[str, Any]:
        """The counters as plain values: channels by number, stations by address in hex."""
        sent, heard, frames = self.sent, self.heard, self.frames
        channels = {}
        for number, load in self.channels.items():
            plan = self._channels[number].plan
            channels[str(number)] = {
                "frames": load.frames,
                "airtime_ns": load.airtime_ns,
                "given_up": load.given_up,
                **({"slots": [load.slots[slot] for slot in range(plan.slots_per_period)]} if plan else {}),
                **({"slots_missed": load.missed} if plan else {}),
                "stations": {
                    f"{address:06x}": {
                        "frames": frames[number, address],
                        "sent": _plain(sent.get((number, address), {})),
                        "heard": _plain(heard.get((number, address), {})),
                    }
                    for address in self._addresses.tolist()
                    if (number, address) in sent or (number, address) in heard
                },
            }
        return channels


def _plain(outcomes: Mapping[Outcome, int]) -> dict[str, int]:
    return {outcome.value: n for outcome, n in outcomes.items()}


def add(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The counters of hubs that took over from one another, as one."""
    total: dict[str, Any] = {}
    for part in parts:
        _merge(total, part)
    return total


def _merge(total: dict[str, Any], part: Mapping[str, Any]) -> None:
    for key, value in part.items():
        if isinstance(value, Mapping):
            _merge(total.setdefault(key, {}), value)
        elif isinstance(value, list):
            total[key] = [a + b for a, b in zip(total.get(key, [0] * len(value)), value, strict=True)]
        else:
            total[key] = total.get(key, 0) + value
