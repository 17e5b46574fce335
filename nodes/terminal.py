"""The report for people, as text: the answer in a sentence, clauses by stations, then each failure with its proof."""

from collections import Counter
from collections.abc import Mapping
from io import StringIO
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nodes.report import EXCUSES

CELL = {
    "pass": "[green]pass[/]",
    "fail": "[bold red]FAIL[/]",
    "inconclusive": "[yellow]open[/]",
    "not_exercised": "[dim]-[/]",
    "not_applicable": "[dim]n/a[/]",
}
WHY = {
    "frame_lost": "frames that were not heard may explain it",
    "monitor_deaf": "the monitor was deaf at that time",
    "host_trouble": "the emulator itself had trouble with the station at that time, which is nobody's breach",
    "state_unheard": "an INTENT, an EMCON or an ACK that was not heard may have changed what was due",
    "not_proved_heard": "nothing proves that the station heard the call",
    "no_bound": "the reports are not exact enough to decide it",
    "not_fresh": "the time in the frames is not the time at which they came",
    "not_heard_again": "it was not heard again; out of reach and silent look the same",
    "identity_contested": "two stations used the address, so it is not known whose the frames are",
    "area_edge": "it may have left the area and come back in between",
    "line_gap": "the monitor or the sender was cut off from the ground line at that time",
    "no_witness": "too few others were seen on the ground line to say that it worked",
    "no_manifest": "no manifest of its party tells of these frames",
    "disputed": "it rests on what the other party alone says",
}
HOST_COUNTS = {
    "host_late": "Frames that came to the hub too late",
    "host_dropped": "Receptions dropped between hub and stations",
    "host_silent": "Times that a station with a clock of its own said nothing for more than a second",
    "late": "Frames handed over too late by stations that are granted time",
    "too_many": "Messages and frames beyond what the hub takes of one station",
    "not_on_air": "Frames of stations that were not on the air",
    "malformed": "Malformed envelopes",
    "refused": "Attempts to join that were refused",
}
MOST_SHOWN = 5
"""Findings shown per clause and subject, and frames per finding; report.json has them all."""
LABEL_WIDTH, CELL_WIDTH = 22, 10
Report = Mapping[str, Any]


def render(report: Report, frames: Mapping[str, str], missing: list[str], console: Console) -> None:
    """Write the report to a console. `frames` are lines about frames by id; `missing` what `require` did not get."""
    for place in report["damage"]:
        console.print(f"[bold yellow]Damaged recording[/], judged from what is whole: {plain(place)}", highlight=False)
    for what in report["host"]["broken"] if report["host"] else ():
        console.print(f"[bold red]Trouble in the run[/], held against nobody: {plain(what)}", highlight=False)
    console.print(_answer(report), highlight=False)
    for sentence in _warnings(report):
        console.print(f"[yellow]{sentence}[/]", highlight=False)
    for sentence in missing:
        console.print(f"[yellow]Required and not met:[/] {plain(sentence)}.", highlight=False)
    for note in report["notes"]:
        console.print(f"[dim]Note: {plain(note)}[/]", highlight=False)
    _tables(report, console)
    _pairs(report, console)
    _parties(report, console)
    _channels(report, console)
    for entry in report["verdicts"]:
        if entry["verdict"] in ("fail", "inconclusive"):
            _findings(entry, report, frames, console)
    _provenance(report, console)


def to_text(report: Report, frames: Mapping[str, str], missing: list[str]) -> str:
    """The same without colours, 110 columns wide: what stands in `report.txt`."""
    out = StringIO()
    render(report, frames, missing, Console(file=out, width=110, color_system=None, legacy_windows=False))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def named(subject: str, report: Report) -> str:
    """A subject with its call signs, for people."""
    if subject == "unattributed":
        return "an unknown sender"
    signs = report["stations"]
    parts = [f"{signs[part]} ({part})" if part in signs else part for part in subject.split("/")]
    return plain(" and ".join(parts))


def plain(text: str) -> str:
    """Text of somebody else's, such as a call sign, as a terminal may show it: no markup, no control characters."""
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


# ---------------------------------------------------------------- the answer


def _answer(report: Report) -> str:
    verdicts = report["verdicts"]
    failed = [v for v in verdicts if v["verdict"] == "fail"]
    open_ = sum(v["verdict"] == "inconclusive" for v in verdicts)
    judged = sum(v["verdict"] in ("pass", "fail", "inconclusive") for v in verdicts)
    if failed:
        whom = [
            f"{v['clause']} {'between' if '/' in v['subject'] else 'by'} {named(v['subject'], report)}" for v in failed
        ]
        answer = f"[bold red]The agreement was broken[/]: {'; '.join(whom)}."
    elif not judged:
        return "[bold yellow]Nothing was judged[/]: no clause was exercised."
    elif open_:
        answer = f"[bold yellow]No breach was proved[/], and {open_} of {_counted(judged, 'verdict')} stay open."
    else:
        answer = f"[bold green]The agreement was kept[/], as far as exercised: {_counted(judged, 'verdict')}, all pass."
    exercised, idle = len(report["coverage"]["exercised"]), report["coverage"]["not_exercised"]
    rest = f" {_counted(exercised, 'clause')} of «{plain(report['agreement']['title'])}» exercised"
    return answer + rest + (f"; not exercised: {', '.join(idle)}." if idle else ".")


def _host(host: Mapping[str, Any]) -> list[str]:
    """What went wrong with the emulator; nobody is accused for it."""
    told = [f"{plain(what[:1].upper() + what[1:])}." for what in host["told"]]
    for name, meaning in HOST_COUNTS.items():
        if host[name]:
            excused = " No station is held to account for that." if name in EXCUSES else ""
            told.append(f"{meaning}: {host[name]} ({name}).{excused}")
    if host["stretched"]:
        windows, by_s = _counted(host["stretched"], "window"), host["stretched_s"]
        told.append(f"Medium time fell behind the clock in {windows} (stretched), by {by_s:.1f} s in all.")
    return told


def _warnings(report: Report) -> list[str]:
    """What a reader must know beside the answer: our own trouble, who was excused, whose frames could not be used."""
    told = _host(report["host"]) if report["host"] else []
    for v in report["verdicts"]:
        if v["clause"] == "0.1" and v["causes"].get("distress"):
            who = named(v["subject"], report)
            told.append(f"{who} declared an avoidance or an emergency, which suspended its duties for that time.")
    for address, counts in report["heard"].items():
        frames = sum(counts.values()) - counts["unheard"]
        if not frames:
            told.append(f"{named(address, report)} was not heard at all.")
        if counts["stale"]:
            all_heard = _counted(frames, "frame")
            told.append(
                f"{named(address, report)}: {counts['stale']} of {all_heard} heard could not be used: "
                "the time they give is not the time at which they came."
            )
    return told


# ---------------------------------------------------------------- clauses by stations


def _tables(report: Report, console: Console) -> None:
    """As many stations side by side as the width takes."""
    subjects = sorted(report["stations"])
    if any(v["subject"] == "unattributed" and v["verdict"] != "not_exercised" for v in report["verdicts"]):
        subjects.append("unattributed")
    many = max((console.width - LABEL_WIDTH) // CELL_WIDTH, 1)
    for i in range(0, len(subjects), many):
        console.print()
        console.print(_table(report, subjects[i : i + many]))
    console.print(
        "[dim]open: not decided, with the share that was · -: not exercised · n/a: does not apply · "
        "used: frames that could be used · not heard: numbers passed without one[/]"
    )


def _table(report: Report, subjects: list[str]) -> Table:
    by_cell = {(v["clause"], v["subject"]): v for v in report["verdicts"]}
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("clause", no_wrap=True, min_width=LABEL_WIDTH - 1)
    for subject in subjects:
        sign = plain(report["stations"].get(subject, "unknown"))
        table.add_column(f"{sign}\n{subject[:8]}", no_wrap=True, min_width=CELL_WIDTH - 1)
    used = [report["heard"].get(subject) for subject in subjects]
    table.add_row("[dim]frames used[/]", *(f"[dim]{u['first']}[/]" if u else "" for u in used))
    if any(u["unheard"] for u in used if u):
        table.add_row("[dim]not heard[/]", *(f"[dim]{u['unheard']}[/]" if u else "" for u in used))
    rows = _about_stations(report)
    for clause, words in report["clauses"].items():
        if clause in rows:
            cells = (by_cell.get((clause, subject)) for subject in subjects)
            table.add_row(f"{clause} {words['title']}", *(_cell(c) if c else "" for c in cells))
    return table


def _about_stations(report: Report) -> set[str]:
    """The clauses that judge single stations. Those of the ground line only where there is one."""
    pairs = {v["clause"] for v in report["verdicts"] if "/" in v["subject"]}
    lineless = {c for c in report["coverage"]["not_applicable"] if c[0] in "89"}
    parties = {v["clause"] for v in _of_parties(report)} - {
        v["clause"]
        for v in report["verdicts"]
        if v["verdict"] != "not_applicable" and v["subject"] in report["stations"]
    }
    return set(report["clauses"]) - pairs - lineless - parties


def _of_parties(report: Report) -> list[Mapping[str, Any]]:
    """The verdicts on parties."""
    others = {*report["stations"], "unattributed"}
    return [v for v in report["verdicts"] if v["subject"] not in others and "/" not in v["subject"]]


def _cell(verdict: Mapping[str, Any]) -> str:
    if verdict["verdict"] == "not_applicable" and verdict["causes"].get("distress"):
        return "[yellow]declared[/]" if verdict["clause"] == "0.1" else "[yellow]excused[/]"
    if verdict["verdict"] == "inconclusive":
        return f"[yellow]open {verdict['decided']:.0%}[/]"
    return CELL[verdict["verdict"]]


def _pairs(report: Report, console: Console) -> None:
    pairs = [v for v in report["verdicts"] if "/" in v["subject"]]
    for clause in sorted({v["clause"] for v in pairs}):
        mine = [v for v in pairs if v["clause"] == clause]
        kinds = {k: sum(v["verdict"] == k for v in mine) for k in CELL}
        told = ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in kinds.items() if n)
        title = report["clauses"][clause]["title"]
        console.print(f"\n{clause} {title}: {_counted(len(mine), 'pair')}, {told}", highlight=False)
        passed = [v for v in mine if v["verdict"] == "pass" and v["nearest"] and v["nearest"]["measured"] is not None]
        if passed:
            near = min(passed, key=lambda v: (v["nearest"]["measured"] / v["nearest"]["limit"], v["subject"]))
            n = near["nearest"]
            console.print(
                f"    nearest pass: {named(near['subject'], report)}, at least {n['measured']:g} {n['unit']} apart at "
                f"{n['at'][11:19]} (limit {n['limit']:g} {n['unit']})",
                highlight=False,
            )


def _parties(report: Report, console: Console) -> None:
    """What concerns headquarters."""
    verdicts = _of_parties(report)
    if verdicts:
        console.print()
    for clause in sorted({v["clause"] for v in verdicts}):
        told = ", ".join(f"{plain(v['subject'])} {_cell(v)}" for v in verdicts if v["clause"] == clause)
        console.print(f"{clause} {report['clauses'][clause]['title']}: {told}", highlight=False)


# ---------------------------------------------------------------- the radio


def _channels(report: Report, console: Console) -> None:
    """How busy each channel was, and why frames were lost there."""
    used = (
        [c for c in report["medium"]["channels"].values() if c["frames"] or c["given_up"]] if report["medium"] else []
    )
    for channel in used:
        told = [_counted(channel["frames"], "frame"), f"on the air for {channel['load']:.1%} of the time"]
        if missed := channel.get("slots_missed"):
            told.append(f"{missed} outside the slot that was meant")
        if channel["given_up"]:
            told.append(f"{channel['given_up']} never sent, for the channel was always busy")
        heard: Counter[str] = sum((Counter(s["heard"]) for s in channel["stations"].values()), Counter())
        receptions = heard.total()
        lost = [
            f"{max(n / receptions, 0.001):.1%} {what.replace('_', ' ')}"
            for what, n in heard.most_common()
            if what != "received"
        ]
        if receptions:
            told.append(f"{heard['received'] / receptions:.1%} received by those in range")
        console.print(f"\nChannel {plain(channel['name'])}: {', '.join(told)}", highlight=False)
        if lost:
            console.print(f"    lost: {', '.join(lost)}", highlight=False)


# ---------------------------------------------------------------- findings


def _findings(entry: Mapping[str, Any], report: Report, frames: Mapping[str, str], console: Console) -> None:
    failed = entry["verdict"] == "fail"
    word = "[bold red]FAIL[/]" if failed else "[yellow]OPEN[/]"
    console.print(f"\n{word} {entry['clause']}  {named(entry['subject'], report)}", highlight=False)
    console.print(f"  {plain(report['clauses'][entry['clause']]['text'])}", highlight=False)
    if failed and "/" in entry["subject"]:
        console.print("  This clause does not say which of the two is at fault.", highlight=False)
    shown = [f for f in entry["findings"] if f["outcome"] == entry["verdict"]]
    most = MOST_SHOWN if failed else 1
    for finding in shown[:most]:
        console.print(f"  {finding['at'][11:23]}  {plain(finding['summary'])}", highlight=False)
        if finding["cause"]:
            why = WHY.get(finding["cause"], finding["cause"])
            console.print(f"    why open: {finding['cause']}, {why}", highlight=False)
        for losses in finding["losses"]:
            console.print(f"    {_improbable(losses, report)}", highlight=False)
        if failed:
            _proof(finding, frames, console)
    if len(shown) > most:
        console.print(f"  and {len(shown) - most} more like it in report.json", highlight=False)
    for assumption in entry["assumptions"]:
        console.print(f"  assuming: {assumption}", highlight=False)


def _improbable(losses: Mapping[str, Any], report: Report) -> str:
    """How improbable it is that so much was lost there, in a line."""
    of_all, by_chance = f"{losses['share_lost']:.1%} in all", f"{losses['probability']:.2g}"
    missing = f"{losses['unheard']} of {_counted(losses['passed'], 'frame')} missing there, {of_all}"
    return f"{named(losses['station'], report)}: {missing}; so many or more by chance: {by_chance}"


def _proof(finding: Mapping[str, Any], frames: Mapping[str, str], console: Console) -> None:
    unit, evidence = finding["unit"], finding["evidence"]
    if finding["measured"] is not None:
        limit = "" if finding["limit"] is None else f"limit {finding['limit']:g} {unit}, "
        console.print(f"    {limit}measured {finding['measured']:g} {unit}", highlight=False)
    for name in evidence[: 2 * MOST_SHOWN]:
        console.print(f"    {plain(frames.get(name, name))}", highlight=False, soft_wrap=True)
    if len(evidence) > 2 * MOST_SHOWN:
        console.print(f"    and {len(evidence) - 2 * MOST_SHOWN} more frames in report.json", highlight=False)


def _provenance(report: Report, console: Console) -> None:
    agreement, source = report["agreement"], report["source"]
    flown = {"simulate": "simulated", "run": "flown live"}
    made = f"recording {', '.join(report['recordings'])}"
    if source:
        made = f"{flown[source['mode']]}, seed {source['seed']}"
    console.print(
        f"\n[dim]{report['tool']}; {made}\nagreement {agreement['digest']} (version {plain(agreement['version'])})\n"
        f"annexes   {agreement['annexes'] or '-'}[/]",
        highlight=False,
        soft_wrap=True,
    )
