"""The report for people, as text: the answer in a sentence, clauses by stations, then each failure with its proof."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

CELL = {
    "pass": "[green]pass[/]",
    "fail": "[bold red]FAIL[/]",
    "inconclusive": "[yellow]open[/]",
    "not_exercised": "[dim]-[/]",
    "not_applicable": "[dim]n/a[/]",
}
MOST_SHOWN = 5
"""Findings shown per clause and subject; report.json has them all."""


def render(report: Mapping[str, Any], frames: Mapping[str, str], missing: list[str], console: Console) -> None:
    """Write the report to a console. `frames` are lines about frames by id; `missing` what `require` did not get."""
    verdicts: list[dict[str, Any]] = report["verdicts"]
    console.print(_answer(report), highlight=False)
    for sentence in missing:
        console.print(f"[yellow]Required and not met:[/] {sentence}.", highlight=False)
    for place in report["damage"]:
        console.print(f"[yellow]Damaged:[/] {place}", highlight=False)
    for note in report["notes"]:
        console.print(f"[dim]Note: {note}[/]", highlight=False)
    console.print()
    console.print(_table(report))
    console.print(
        "[dim]pass: kept, and how near in report.json · open: inconclusive · -: not exercised · n/a: not applicable[/]"
    )
    _pairs(verdicts, console)
    for entry in verdicts:
        if entry["verdict"] in ("fail", "inconclusive"):
            _findings(entry, report, frames, console)


def to_text(report: Mapping[str, Any], frames: Mapping[str, str], missing: list[str]) -> str:
    """The same without colours, 110 columns wide: what stands in `report.txt`."""
    out = StringIO()
    render(report, frames, missing, Console(file=out, width=110, color_system=None, legacy_windows=False))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def named(subject: str, report: Mapping[str, Any]) -> str:
    """A subject with its call signs, for people."""
    signs = report["stations"]
    return " and ".join(f"{signs[part]} ({part})" if part in signs else part for part in subject.split("/"))


def _answer(report: Mapping[str, Any]) -> str:
    verdicts = report["verdicts"]
    failed = [v for v in verdicts if v["verdict"] == "fail"]
    open_ = [v for v in verdicts if v["verdict"] == "inconclusive"]
    exercised, idle = len(report["coverage"]["exercised"]), report["coverage"]["not_exercised"]
    title = report["agreement"]["title"]
    if failed:
        whom = [
            f"{v['clause']} {'by' if '/' not in v['subject'] else 'between'} {named(v['subject'], report)}"
            for v in failed
        ]
        answer = f"[bold red]The agreement was broken[/]: {'; '.join(whom)}."
    elif not exercised:
        answer = "[bold yellow]Nothing was judged[/]: no clause was exercised."
    elif open_:
        answer = f"[bold yellow]No breach was proved[/], and {len(open_)} of {_judged(verdicts)} verdicts stay open."
    else:
        answer = (
            f"[bold green]The agreement was kept[/], as far as exercised: all {_judged(verdicts)} verdicts are pass."
        )
    rest = f" {exercised} clauses of «{title}» were exercised" + (f", not {', '.join(idle)}." if idle else ".")
    return answer + rest


def _judged(verdicts: list[dict[str, Any]]) -> int:
    return sum(v["verdict"] in ("pass", "fail", "inconclusive") for v in verdicts)


def _table(report: Mapping[str, Any]) -> Table:
    by_cell = {(v["clause"], v["subject"]): v for v in report["verdicts"]}
    subjects = sorted(report["stations"])
    if any(v["subject"] == "unattributed" for v in report["verdicts"]):
        subjects.append("unattributed")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("clause")
    for subject in subjects:
        table.add_column(f"{report['stations'].get(subject, '?')}\n{subject}", no_wrap=True)
    for clause in report["clauses"]:
        if any("/" in v["subject"] for v in report["verdicts"] if v["clause"] == clause):
            continue
        cells = [by_cell.get((clause, subject)) for subject in subjects]
        table.add_row(clause, *(CELL[c["verdict"]] if c else "" for c in cells))
    return table


def _pairs(verdicts: list[dict[str, Any]], console: Console) -> None:
    pairs = [v for v in verdicts if "/" in v["subject"]]
    for clause in sorted({v["clause"] for v in pairs}):
        mine = [v for v in pairs if v["clause"] == clause]
        kinds = {k: sum(v["verdict"] == k for v in mine) for k in CELL}
        told = ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in kinds.items() if n)
        console.print(f"\n{clause}  {len(mine)} pairs: {told}", highlight=False)


def _findings(
    entry: dict[str, Any],
    report: Mapping[str, Any],
    frames: Mapping[str, str],
    console: Console,
) -> None:
    failed = entry["verdict"] == "fail"
    word = "[bold red]FAIL[/]" if failed else "[yellow]OPEN[/]"
    console.print(f"\n{word} {entry['clause']}  {named(entry['subject'], report)}", highlight=False)
    console.print(f"  {report['clauses'][entry['clause']]}", highlight=False)
    shown = [f for f in entry["findings"] if f["outcome"] == entry["verdict"]]
    for finding in shown[: MOST_SHOWN if failed else 1]:
        console.print(f"  {finding['at'][11:23]}  {finding['summary']}", highlight=False)
        if finding["cause"]:
            console.print(f"    why open: {finding['cause']}", highlight=False)
        if failed:
            _proof(finding, frames, console)
    more = len(shown) - (MOST_SHOWN if failed else 1)
    if more > 0:
        console.print(f"  and {more} more like it in report.json", highlight=False)
    for assumption in entry["assumptions"]:
        console.print(f"  assuming: {assumption}", highlight=False)


def _proof(finding: dict[str, Any], frames: Mapping[str, str], console: Console) -> None:
    unit = finding["unit"]
    if finding["measured"] is not None:
        limit = "" if finding["limit"] is None else f"limit {finding['limit']:g} {unit}, "
        console.print(f"    {limit}measured {finding['measured']:g} {unit}", highlight=False)
    for name in finding["evidence"]:
        console.print(f"    {frames.get(name, name)}", highlight=False, soft_wrap=True)
