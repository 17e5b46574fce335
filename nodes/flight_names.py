"""Checks the names in a scenario against each other and against the agreement: none twice, none that nobody has."""

from pathlib import Path

from nodes.problems import Problem
from nodes.scenario import EventEntry, FaultEntry, Scenario, StationEntry
from protocol.agreement import Agreement
from protocol.terms import Clauses

IDLE = {
    "too_close": {"for_s"},
    "stranger": {"at_s", "for_s", "target"},
    "impersonation": set[str](),
    "simulated_attack": set[str](),
    "surprise_turn": {"for_s", "target"},
    "uncoordinated_drone": {"at_s", "for_s", "target"},
    "cover_up": {"at_s", "for_s", "target"},
    "forgery": set[str](),
}
"""Keys that a fault has no use for; of all others it is `target`."""
NEEDS_TARGET = {
    "too_close": "too_close needs the call sign it flies at",
    "simulated_attack": "simulated_attack needs the call sign it flies at",
    "impersonation": "impersonation needs the call sign whose name it takes",
    "forgery": "forgery needs the call sign whose name it takes",
}
OF_LINE = ("uncoordinated_drone", "area_intruder", "dead_line", "cover_up", "forgery", "false_manifest")
"""Faults that there are only with a ground line."""
ANNOUNCED_S = 10.0
OF_ROLE = {
    "lost_link_stray": ("uncrewed",),
    "uncoordinated_drone": ("uncrewed",),
    "ignored_mayday": ("ground",),
    "dead_line": ("ground",),
    "cover_up": ("ground",),
    "false_manifest": ("ground",),
}
"""Faults that only some roles can have; all others are an aircraft's, crewed or not."""
STRONG = frozenset(
    {
        *("bad_clock", "loud", "teleport", "spoofed_position", "replay", "malformed", "wrong_channel"),
        *("guard_chatter", "babbler", "surprise_turn", "vague_mayday", "talks_over"),
        *("overlong_emcon", "lost_link_stray"),
    }
)
"""Faults of which there can be more or less."""


def name_problems(scenario: Scenario, agreement: Agreement | None, path: Path) -> list[Problem]:
    """Everything that is wrong with names, in the order of the file's tables; as far as it goes without agreement."""
    file = str(path)
    return [
        *_twice(scenario, file),
        *(_parties(scenario, agreement, file) if agreement else ()),
        *_monitors(scenario, file),
        *(_channels(scenario, agreement, file) if agreement else ()),
        *(_jammers(scenario, agreement, file) if agreement else ()),
        *(_orders(scenario, agreement, file) if agreement else ()),
        *(_silences(scenario, agreement, file) if agreement else ()),
        *(p for i, fault in enumerate(scenario.fault) for p in _fault(f"fault.{i}", fault, scenario, file)),
        *(p for i, event in enumerate(scenario.event) for p in _event(f"event.{i}", event, scenario, agreement, file)),
        *_required(scenario, file),
    ]


def _twice(scenario: Scenario, file: str) -> list[Problem]:
    problems = []
    for key, values in (
        ("address", [f"{s.address:06x}" for s in scenario.station]),
        ("call_sign", [s.call_sign for s in scenario.station]),
    ):
        for value in dict.fromkeys(values):
            if (times := values.count(value)) > 1:
                problems.append(Problem(file, f"station.{key}", repr(value), f"{times} stations have it; one may"))
    return problems


def _parties(scenario: Scenario, agreement: Agreement, file: str) -> list[Problem]:
    parties = [p.name for p in agreement.party]
    strangers = {f.station for f in scenario.fault if f.name == "stranger"}
    problems = []
    for s in scenario.station:
        key = f"station {s.call_sign}: party"
        if s.party is None and s.talks and s.call_sign not in strangers:
            problems.append(Problem(file, key, "", f"is missing; there are {parties}"))
        if s.party is not None and s.party not in parties:
            problems.append(Problem(file, key, repr(s.party), f"no such party; there are {parties}"))
    return problems


def _monitors(scenario: Scenario, file: str) -> list[Problem]:
    monitors = sorted((s for s in scenario.station if s.role == "monitor"), key=_by_address)
    if not monitors:
        return [Problem(file, "station", "", 'one station of role "monitor" is needed: nobody would listen')]
    return [
        Problem(file, f"station {s.call_sign}: call_sign", "", "its recording would be called as the first monitor's")
        for s in monitors[1:]
        if s.call_sign == "MONITOR"
    ]


def _by_address(station: StationEntry) -> int:
    return station.address


def _channels(scenario: Scenario, agreement: Agreement, file: str) -> list[Problem]:
    numbers = [c.number for c in (*agreement.channel, *scenario.unagreed_channel)]
    twice = [n for n in dict.fromkeys(numbers) if numbers.count(n) > 1]
    ruled = [c for c in scenario.unagreed_channel if c.access != "aloha"]
    expected = "nobody has slots there, nor waits for anybody: 'aloha'"
    return [
        *(Problem(file, "unagreed_channel.number", str(n), "this channel is agreed, or given twice") for n in twice),
        *(Problem(file, "unagreed_channel.access", repr(c.access), expected) for c in ruled),
    ]


def _fault(key: str, fault: FaultEntry, scenario: Scenario, file: str) -> list[Problem]:
    known = {s.call_sign: s for s in scenario.station}
    problems = []
    for field, name in (("station", fault.station), ("target", fault.target)):
        if name is not None and name not in known:
            expected = f"no station has this call sign; there are {sorted(known)}"
            problems.append(Problem(file, f"{key}.{field}", repr(name), expected))
        elif name is not None and known[name].role == "monitor":
            problems.append(Problem(file, f"{key}.{field}", repr(name), "is a monitor, which does not transmit"))
        elif name is not None and known[name].role == "jammer":
            problems.append(Problem(file, f"{key}.{field}", repr(name), "is a jammer, which keeps no agreement"))
        elif name is not None and known[name].foreign and fault.name != "stranger":
            expected = "flies itself (command or external): airaccord cannot make it break a clause, nor follow it"
            problems.append(Problem(file, f"{key}.{field}", repr(name), expected))
    if fault.name in NEEDS_TARGET and fault.target is None:
        problems.append(Problem(file, f"{key}.target", "", NEEDS_TARGET[fault.name]))
    elif fault.target is not None and fault.target == fault.station:
        problems.append(Problem(file, f"{key}.target", repr(fault.target), "is the station itself: name another"))
    roles = OF_ROLE.get(fault.name, ("aircraft", "uncrewed"))
    if fault.station in known and known[fault.station].talks and known[fault.station].role not in roles:
        expected = f"is a station of role {known[fault.station].role}: {fault.name} is for {' and '.join(roles)}"
        problems.append(Problem(file, f"{key}.station", repr(fault.station), expected))
    if "strength" in fault.model_fields_set and fault.name not in STRONG:
        expected = f"there is no more or less of {fault.name}: remove it"
        problems.append(Problem(file, f"{key}.strength", f"{fault.strength:g}", expected))
    given = fault.model_fields_set & IDLE.get(fault.name, {"target"})
    problems += [
        Problem(file, f"{key}.{name}", "", f"means nothing to {fault.name}: remove it") for name in sorted(given)
    ]
    if fault.name in OF_LINE and scenario.ground_line is None:
        problems.append(Problem(file, key, fault.name, "needs a [ground_line]"))
    if fault.name == "wrong_channel" and not scenario.unagreed_channel:
        problems.append(Problem(file, key, "wrong_channel", "needs an [[unagreed_channel]] to transmit on"))
    return problems


def _unknown(channels: tuple[int, ...], scenario: Scenario, agreement: Agreement) -> list[tuple[int, str]]:
    """Channels that nobody has, each with what is said of it."""
    known = sorted(c.number for c in (*agreement.channel, *scenario.unagreed_channel))
    return [(n, f"no such channel; there are {known}") for n in channels if n not in known]


def _jammers(scenario: Scenario, agreement: Agreement, file: str) -> list[Problem]:
    return [
        Problem(file, f"station {s.call_sign}: jam.channels", str(n), expected)
        for s in scenario.station
        if s.jam is not None
        for n, expected in _unknown(s.jam.channels, scenario, agreement)
    ]


def _orders(scenario: Scenario, agreement: Agreement, file: str) -> list[Problem]:
    """Orders to nobody, or to a channel that nobody has agreed on."""
    aircraft = {s.call_sign for s in scenario.station if s.flies}
    agreed = [c.number for c in agreement.channel]
    problems = []
    for s in scenario.station:
        for i, order in enumerate(s.orders):
            key = f"station {s.call_sign}: orders.{i}"
            if order.station not in aircraft:
                expected = f"no aircraft has this call sign; there are {sorted(aircraft)}"
                problems.append(Problem(file, f"{key}.station", repr(order.station), expected))
            if order.to_channel not in agreed:
                expected = f"no such channel is agreed; there are {sorted(agreed)}"
                problems.append(Problem(file, f"{key}.to_channel", str(order.to_channel), expected))
    return problems


def _silences(scenario: Scenario, agreement: Agreement, file: str) -> list[Problem]:
    """Silences that are longer than the agreement allows, or begin before they can be announced."""
    terms = agreement.clause.c4_7
    problems = []
    for s in scenario.station:
        if s.emcon_s is None or terms is None:
            continue
        begin_s, end_s = s.emcon_s
        if end_s - begin_s > terms.longest_s:
            expected = f'lasts {end_s - begin_s:g} s; clause."4.7".longest_s allows {terms.longest_s:g}'
            problems.append(Problem(file, f"station {s.call_sign}: emcon_s", str(list(s.emcon_s)), expected))
        if begin_s < terms.notice_s + ANNOUNCED_S:
            expected = (
                f'begins too early to be announced: clause."4.7".notice_s is {terms.notice_s:g}, and announcing it '
                f"takes {ANNOUNCED_S:g} s"
            )
            problems.append(Problem(file, f"station {s.call_sign}: emcon_s", str(list(s.emcon_s)), expected))
    return problems


def _event(key: str, event: EventEntry, scenario: Scenario, agreement: Agreement | None, file: str) -> list[Problem]:
    """An event at nobody, at a station that it does not suit, or with a channel that nobody has."""
    if event.station is None:
        return []
    known = {s.call_sign: s for s in scenario.station}
    problems = []
    if event.station not in known:
        expected = f"no station has this call sign; there are {sorted(known)}"
        problems.append(Problem(file, f"{key}.station", repr(event.station), expected))
    elif wrong := _does_not_suit(event, known[event.station]):
        problems.append(Problem(file, f"{key}.station", repr(event.station), wrong))
    if agreement and event.channels is not None:
        unknown = _unknown(event.channels, scenario, agreement)
        problems += [Problem(file, f"{key}.channels", str(n), expected) for n, expected in unknown]
    return problems


def _does_not_suit(event: EventEntry, station: StationEntry) -> str | None:
    """Why a station cannot do what an event wants of it."""
    if event.power_dbm is not None and station.role == "monitor":
        return "is a monitor, which does not transmit: it has no power_dbm"
    if event.channels is not None and not station.talks:
        return f"is a {station.role}: channels are for those that talk"
    if event.jamming is not None and station.role != "jammer":
        return "is no jammer: it has no jamming to go on or off"
    if event.on_air is not None and station.foreign:
        return "flies itself (command or external): airaccord cannot switch it off or on"
    return None


def _required(scenario: Scenario, file: str) -> list[Problem]:
    clauses = {str(f.alias) for f in Clauses.model_fields.values()}
    return [
        Problem(file, f'require."{c}"', "", f"no such clause; there are {sorted(clauses)}")
        for c in scenario.require
        if c not in clauses
    ]
