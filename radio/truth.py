"""What the medium knows, as lines of JSON: what became of every frame at every receiver. The judge never reads it."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np

from radio.frames import OUTCOMES, Channel, Settled, Transmission
from radio.outcomes import TO_OTHERS

_QUOTED = [f'["{outcome.value}",' for outcome in OUTCOMES]


def truth_lines(settled: Settled, channels: Mapping[int, Channel]) -> Iterator[str]:
    """The frames of a settlement, in the form that docs/architecture.md describes; each line ends with a new line.

    Written out by hand: nothing in it needs escaping, and a run writes more of these than of anything else.
    """
    for sent in settled.given_up:
        yield f'{{{_named(sent, channels)},"given_up":true,"receivers":{{}}}}\n'
    begins = settled.begins.tolist()
    start_ns = [sent.start_ns for sent in settled.transmissions]
    far_away = zip(settled.transmissions, settled.out_of_range.tolist(), settled.reach_m.tolist(), strict=True)
    for i, (sent, far, reach_m) in enumerate(far_away):
        rows = slice(begins[i], begins[i + 1])
        told = [
            f"{_key(receiver)}{_QUOTED[code]}{_decibels(power)},{_decibels(sinr)},{arrival_ns - start_ns[i]}]"
            for receiver, code, power, sinr, arrival_ns in zip(
                settled.receiver[rows].tolist(),
                settled.outcome[rows].tolist(),
                settled.power_tenths[rows].tolist(),
                settled.sinr_tenths[rows].tolist(),
                settled.arrival_ns[rows].tolist(),
                strict=True,
            )
        ]
        for at in np.flatnonzero(np.isin(settled.outcome[rows], TO_OTHERS)).tolist():
            rivals = ",".join(f'"{rival:06x}"' for rival in settled.rivals.at(begins[i] + at))
            told[at] = f"{told[at][:-1]},[{rivals}]]"
        where = f'"out_of_range":{far},"reach_m":{reach_m:.0f},"receivers":{{{",".join(told)}}}'
        yield f"{{{_named(sent, channels)},{where}}}\n"


@lru_cache(maxsize=4096)
def _key(address: int) -> str:
    return f'"{address:06x}":'


@lru_cache(maxsize=8192)
def _decibels(tenths: int) -> str:
    return f"{tenths / 10}"


def _named(sent: Transmission, channels: Mapping[int, Channel]) -> str:
    """Which frame, and when and where it was on the air."""
    hit = channels[sent.channel].slot_hit(sent.start_ns, len(sent.data))
    meant = "null" if sent.slot is None else sent.slot
    slots = "" if hit is None else f',"slot":[{meant},{hit}]'
    return (
        f'"frame":"{sent.source:06x}:{sent.session}:{sent.sequence}","start_ns":{sent.start_ns},'
        f'"channel":{sent.channel},"bytes":{len(sent.data)}{slots}'
    )
