"""Draws up the slot table: who owns which slots of which channel."""

from pathlib import Path

from nodes.problems import Problem
from nodes.scenario import StationEntry
from nodes.stations.aircraft import WATCH_EVERY
from nodes.stations.intents import EVERY_NS as INTENT_EVERY_NS
from protocol.agreement import Agreement, Channel
from protocol.messages import Ident, Intent, Message, Position, Watch
from protocol.units import NS_PER_S

Table = dict[int, dict[int, tuple[int, ...]]]
"""Slots by address and channel number."""


def frames_a_second(agreement: Agreement) -> dict[type[Message], float]:
    """How many frames of each periodic message an aircraft of ours sends in a second, while nothing happens."""
    reports, idents = agreement.clause.c4_1, agreement.clause.c1_4
    a_second = 1 / (reports.every_s if reports else 1.0)
    return {
        Position: a_second,
        Watch: a_second / WATCH_EVERY,
        Intent: NS_PER_S / INTENT_EVERY_NS,
        Ident: 1 / (idents.every_s if idents else 20.0),
    }


def slot_table(stations: tuple[StationEntry, ...], agreement: Agreement, path: Path, problems: list[Problem]) -> Table:
    """As the scenario says, or dealt out in order of address from the slots that are left.

    What is wrong goes to `problems`.
    """
    table: Table = {}
    senders = [s for s in stations if s.talks]
    for channel in agreement.channel:
        if channel.access == "tdma":
            taken = _as_given(senders, channel, str(path), problems)
            owned = _dealt_out(senders, channel, taken, str(path), problems)
            problems += _too_many_frames(senders, owned, channel, agreement, str(path))
            for address, slots in owned.items():
                table.setdefault(address, {})[channel.number] = slots
    return table


def _as_given(senders: list[StationEntry], channel: Channel, file: str, problems: list[Problem]) -> set[int]:
    """The slots that the scenario gives away itself."""
    assert channel.slots is not None
    owner: dict[int, str] = {}
    for s in senders:
        for slot in s.slots or ():
            wrong = None
            if slot in channel.shared_slots:
                wrong = f"is a shared slot of {channel.name}"
            elif not 0 <= slot < channel.slots:
                wrong = f"{channel.name} has slots 0 to {channel.slots - 1}"
            elif slot in owner:
                wrong = f"already belongs to {owner[slot]}"
            if wrong:
                problems.append(Problem(file, f"station {s.call_sign}: slots", str(slot), wrong))
            owner[slot] = s.call_sign
    return set(owner)


def _dealt_out(
    senders: list[StationEntry], channel: Channel, taken: set[int], file: str, problems: list[Problem]
) -> dict[int, tuple[int, ...]]:
    assert channel.slots is not None
    assert channel.slots_per_station is not None
    free = [n for n in range(channel.slots) if n not in channel.shared_slots and n not in taken]
    asking = [s for s in senders if s.slots is None]
    turns = range(channel.slots_per_station)
    if len(asking) * len(turns) > len(free):
        expected = (
            f"{len(asking)} stations need {len(turns)} slots each on {channel.name}, {len(free)} are left: "
            "fewer stations, fewer shared slots, or fewer slots per station"
        )
        problems.append(Problem(file, "station", "", expected))
        return {}
    owned = {s.address: tuple(sorted(s.slots)) for s in senders if s.slots is not None}
    dealt = {s.address: tuple(sorted(free[i + len(asking) * t] for t in turns)) for i, s in enumerate(asking)}
    return owned | dealt


def _too_many_frames(
    senders: list[StationEntry],
    owned: dict[int, tuple[int, ...]],
    channel: Channel,
    agreement: Agreement,
    file: str,
) -> list[Problem]:
    """A slot carries one frame: a station with fewer slots than frames falls behind for ever."""
    assert channel.slots is not None
    assert channel.slot_ms is not None
    needed = sum(frames_a_second(agreement).values())
    problems = []
    for s in senders:
        has = len(owned.get(s.address, ()))
        per_second = has * 1000 / (channel.slot_ms * channel.slots)
        if s.address in owned and per_second < needed:
            expected = (
                f"{per_second:g} reserved slots a second for {needed:g} periodic frames a second: "
                "give it more slots, or let POSITION and IDENT be sent less often"
            )
            problems.append(Problem(file, f"station {s.call_sign}: slots", str(has), expected))
    return problems
