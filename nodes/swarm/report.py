"""What a campaign comes to: shares by loss, false accusations, bugs. Pure: equal results give equal bytes."""

import json
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from nodes import report as reports
from nodes.swarm.campaign import Result

SCHEMA = "airaccord-swarm-1"
CLASSES = ((0.0, "none"), (0.02, "up to 2 %"), (0.1, "up to 10 %"), (0.3, "up to 30 %"), (1.0, "more"))
"""Classes of loss: the share of all frames that the monitor did not receive, whatever the cause."""
KINDS = ("accused", "missed", "passed", "crash", "refused")


def build(results: Sequence[Result], first_seed: int, seeds: int) -> dict[str, Any]:
    """The report; `results` are those of the seeds asked for, in order of seed."""
    bugs = [{"seed": r["seed"], **b} for r in results for b in r["bugs"]]
    return {
        "schema": SCHEMA,
        "tool": results[0]["tool"] if results else None,
        "first_seed": first_seed,
        "seeds": seeds,
        "flown": len(results),
        "bugs": {kind: sum(b["kind"] == kind for b in bugs) for kind in KINDS},
        "loss": [_of_class(name, _in_class(results, i)) for i, (_, name) in enumerate(CLASSES)],
        "faults": {
            name: _of_fault(name, results) for name in sorted({f["name"] for r in results for f in r["faults"]})
        },
        "found": [{k: b[k] for k in ("seed", "kind", "clause", "subject", "summary", "file")} for b in bugs],
        "complete": len(results) == seeds,
    }


def _in_class(results: Sequence[Result], i: int) -> list[Result]:
    above = CLASSES[i - 1][0] if i else -1.0
    return [r for r in results if r["unheard"] is not None and above < r["unheard"] <= CLASSES[i][0]]


def _of_class(name: str, results: list[Result]) -> dict[str, Any]:
    clauses: dict[str, Counter[str]] = {}
    for result in results:
        for clause, counts in result["clauses"].items():
            clauses.setdefault(clause, Counter()).update(counts)
    whole = sum(clauses.values(), Counter[str]())
    return {
        "unheard": name,
        "seeds": len(results),
        **shares(whole),
        "faults": _verdicts([f for r in results for f in r["faults"]]),
        "accused": sum(b["kind"] == "accused" for r in results for b in r["bugs"]),
        "clauses": {clause: shares(clauses[clause]) for clause in sorted(clauses)},
    }


def shares(counts: Counter[str]) -> dict[str, Any]:
    judged = counts.total()
    return {
        "judged": judged,
        "decided": round(1 - counts["inconclusive"] / judged, 4) if judged else None,
        "inconclusive": round(counts["inconclusive"] / judged, 4) if judged else None,
    }


def _verdicts(faults: list[dict[str, Any]]) -> dict[str, int]:
    verdicts = Counter(f["verdict"] for f in faults)
    known = {"detected": verdicts["fail"], "inconclusive": verdicts["inconclusive"], "passed": verdicts["pass"]}
    return {"drawn": len(faults), **known, "not_exercised": len(faults) - sum(known.values())}


def _of_fault(name: str, results: Sequence[Result]) -> dict[str, Any]:
    faults = [f for r in results for f in r["faults"] if f["name"] == name]
    return {
        **_verdicts(faults),
        "had_to_be_found": sum(f["told_enough"] for f in faults),
        "loss": [
            {
                "unheard": title,
                **_verdicts([f for r in _in_class(results, i) for f in r["faults"] if f["name"] == name]),
            }
            for i, (_, title) in enumerate(CLASSES)
        ],
        **timing([f["after_s"] for f in faults]),
    }


def timing(after_s: Sequence[float | None]) -> dict[str, float | None]:
    """The median and the worst of the times from a fault's onset to its first fail."""
    known = [s for s in after_s if s is not None]
    return {"median_s": round(median(known), 2) if known else None, "worst_s": max(known, default=None)}


def exit_code(report: dict[str, Any]) -> int:
    """1 if there is any bug."""
    return reports.FAILED if any(report["bugs"].values()) else reports.OK


def to_bytes(report: dict[str, Any]) -> bytes:
    return (json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def render(report: dict[str, Any], console: Console) -> None:
    """The report for people."""
    bugs = sum(report["bugs"].values())
    told = f"{report['flown']} of {report['seeds']} seeds from {report['first_seed']} on: "
    told += "no bug" if not bugs else ", ".join(f"{n} {kind}" for kind, n in report["bugs"].items() if n)
    console.print(told, highlight=False, markup=False)
    console.print(_loss_table(report["loss"]))
    if report["faults"]:
        console.print(_fault_table(report["faults"]))
    for bug in report["found"]:
        where = " ".join(filter(None, (bug["kind"], bug["clause"], bug["subject"])))
        console.print(f"seed {bug['seed']}: {where}: {bug['summary']}", highlight=False, markup=False, soft_wrap=True)
        console.print(f"  shrunk: {bug['file']}", highlight=False, markup=False)


def share(part: int, whole: int) -> str:
    """Such as 12/13; nothing of nothing."""
    return f"{part}/{whole}" if whole else "-"


def narrow_table(*heads: str) -> Table:
    """A table that fits on a terminal of 80 columns."""
    table = Table(*heads, box=None, padding=(0, 1, 0, 0))
    table.columns[0].no_wrap = True
    return table


def _loss_table(classes: list[dict[str, Any]]) -> Table:
    table = narrow_table("unheard", "seeds", "instances", "decided", "inconclusive", "faults found", "accused")
    for row in classes:
        if row["seeds"]:
            decided, open_ = (f"{row[k]:.1%}" if row[k] is not None else "-" for k in ("decided", "inconclusive"))
            found = share(row["faults"]["detected"], row["faults"]["drawn"])
            table.add_row(
                row["unheard"], str(row["seeds"]), str(row["judged"]), decided, open_, found, str(row["accused"])
            )
    return table


def _fault_table(faults: dict[str, dict[str, Any]]) -> Table:
    table = narrow_table("fault", "drawn", "had to", "found", "open", "passed", "median", "worst")
    for name, row in faults.items():
        numbers = (row[k] for k in ("drawn", "had_to_be_found", "detected", "inconclusive", "passed"))
        seconds = ("-" if row[k] is None else f"{row[k]:.1f} s" for k in ("median_s", "worst_s"))
        table.add_row(name, *map(str, numbers), *seconds)
    return table
