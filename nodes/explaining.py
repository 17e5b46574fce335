"""Why a frame was received or lost: looked up in the truth of a run, and said in a sentence."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from protocol.agreement import utc_text
from protocol.units import LIGHT_MPS, NM_M, NS_PER_S
from radio.frames import Outcome

FRAME = re.compile(r"([0-9a-f]{6}):(\d{1,5}):(\d{1,10})")
ADDRESS = re.compile(r"[0-9a-f]{6}")
OUTCOMES = frozenset(outcome.value for outcome in Outcome)
DID_NOT_LISTEN = ("not_tuned", "beyond_horizon")


class NotThere(ValueError):
    """There is no such frame in this truth, or this is no truth; the text says which."""


class Found(NamedTuple):
    """What the truth has of a frame at one receiver. What it does not have is None.

    `slot` is the slot that the source meant (None: it did not tell) and the one that it hit. `rivals` are the sources
    that overlapped the frame, the strongest first.
    """

    frame: str
    receiver: str
    start_ns: int
    channel: int
    bytes: int
    slot: tuple[int | None, int] | None
    outcome: str
    power_dbm: float | None = None
    sinr_db: float | None = None
    delay_ns: int | None = None
    rivals: tuple[str, ...] = ()
    reach_m: int | None = None
    others: tuple[int, int] = (0, 0)
    """Of the others that listened within its horizon: how many there are, and how many of them received it."""


def find(truth: Path, frame: str, receiver: str) -> Found:
    """Look a frame up. Raises NotThere, and OSError for a file that cannot be read."""
    frame, receiver = frame.lower(), receiver.lower()
    if not FRAME.fullmatch(frame):
        raise NotThere(f"a frame is SOURCE:SESSION:SEQUENCE, such as ae1001:215:7, not {frame!r}")
    if not ADDRESS.fullmatch(receiver):
        raise NotThere(f"a receiver is an address of six hex digits, such as 0a0001, not {receiver!r}")
    if receiver == frame[:6]:
        raise NotThere(f"{receiver} sent this frame itself: nobody receives his own")
    named = f'{{"frame":"{frame}",'
    sources: set[str] = set()
    found: Found | None = None
    for number, line in enumerate(_lines(truth), 1):
        if line.startswith(named) and found is None:
            found = _found(_parsed(line, number, truth), receiver, number, truth)
        if found is not None and (found.outcome != "out_of_range" or f'"{receiver}":[' in line):
            return found  # who is never a receiver does not listen, or is nobody
        sources.add(line[10:16])
    if found is not None:
        raise NotThere(f"{receiver} is never in range in {truth}: it does not listen, was not there, or too far away")
    if not sources:
        raise NotThere(f"{truth} has no frames")
    if frame[:6] not in sources:
        raise NotThere(f"{frame[:6]} sent nothing in {truth}; there are {', '.join(sorted(sources))}")
    raise NotThere(f"{frame} is not in {truth}: {frame[:6]} sent others, but not this one, or not on the air")


def _lines(truth: Path) -> Iterator[str]:
    try:
        with truth.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.startswith('{"frame":"'):
                    raise NotThere(f"{truth}, line {number} is no line of a truth: give the truth.jsonl of a run")
                yield line
    except UnicodeDecodeError:
        raise NotThere(f"{truth} is no truth: give the truth.jsonl of a run") from None


def _parsed(line: str, number: int, truth: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(line)
    except ValueError:
        raise NotThere(f"{truth}, line {number} is cut short: the run was ended while it was written") from None
    return values


def _found(values: dict[str, Any], receiver: str, number: int, truth: Path) -> Found:
    try:
        return _taken(values, receiver)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise NotThere(f"{truth}, line {number} is no line of a truth: give the truth.jsonl of a run") from None


def _taken(values: dict[str, Any], receiver: str) -> Found:
    receivers = values["receivers"]
    about = (values["frame"], receiver, values["start_ns"], values["channel"], values["bytes"])
    slot = tuple(values["slot"]) if "slot" in values else None
    if values.get("given_up"):
        return Found(*about, slot, "given_up")
    others = [got for address, got in receivers.items() if address != receiver and got[0] not in DID_NOT_LISTEN]
    counts = len(others), sum(got[0] == "received" for got in others)
    if receiver not in receivers:
        return Found(*about, slot, "out_of_range", reach_m=values["reach_m"], others=counts)
    outcome, power_dbm, sinr_db, delay_ns, *rivals = receivers[receiver]
    if outcome not in OUTCOMES:
        raise ValueError(outcome)
    return Found(
        *about,
        slot,
        outcome,
        power_dbm,
        sinr_db,
        delay_ns,
        tuple(rivals[0]) if rivals else (),
        values["reach_m"],
        counts,
    )


def explain(found: Found) -> str:
    """The answer as a sentence, with the numbers; and one more for a slot that was missed, and for the others."""
    told = [f"{found.frame} at {found.receiver}: {_because(found)}.", _sent(found)]
    total, received = found.others
    if found.outcome != "given_up" and total:
        others = "one other" if total == 1 else f"{total} others"
        told.append(f"Of {others} that listened in range {received} received it.")
    return " ".join(told)


def _because(found: Found) -> str:
    heard = "" if found.power_dbm is None else f"{found.power_dbm:g} dBm, SINR {found.sinr_db:g} dB"
    rivals = " and ".join(found.rivals)
    away = _distance(found.delay_ns)
    return {
        "received": f"received, {heard}, over {away}",
        "not_tuned": f"lost, for {found.receiver} did not listen to channel {found.channel}, or had just tuned to it",
        "half_duplex": f"lost, for {found.receiver} was transmitting itself while it came",
        "beyond_horizon": f"lost beyond the radio horizon: {away} apart, and the earth in between",
        "below_sensitivity": f"lost, too weak even without interference: {heard}, over {away}",
        "jammed": f"lost to jamming: {heard} against {rivals}",
        "collision": f"lost in a collision with {rivals}: {heard}",
        "corrupted": f"lost to noise by chance, as some frames are at this strength: {heard}, over {away}",
        "faded": f"lost by the medium's random loss alone: {heard} would have been enough",
        "out_of_range": f"not on the air, or out of range: further away than {_reach(found.reach_m)}, where nobody "
        "could hear it, by its power and by the highest antenna",
        "given_up": "never sent: its source found the channel busy each time that it tried",
    }[found.outcome]


def _sent(found: Found) -> str:
    at = utc_text(found.start_ns)[11:23]
    started = "would have started" if found.outcome == "given_up" else "started"
    told = f"It {started} at {at} on channel {found.channel} with {found.bytes} bytes"
    if found.slot is None:
        return told + "."
    meant, hit = found.slot
    if meant is None:
        return f"{told}, in slot {hit}."
    return f"{told}, in slot {hit} as meant." if meant == hit else f"{told}, in slot {hit}, and was meant for {meant}."


def _distance(delay_ns: int | None) -> str:
    return "" if delay_ns is None else f"{delay_ns / NS_PER_S * LIGHT_MPS / NM_M:.1f} NM"


def _reach(reach_m: int | None) -> str:
    return "" if reach_m is None else f"{reach_m / NM_M:.0f} NM"
