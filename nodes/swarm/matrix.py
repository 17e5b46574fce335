"""Every fault against every clause: its shipped scenario, flown with many seeds, and what each clause said.

In a cell, by seeds: `detected`, the clause failed for somebody whom the fault excuses; `inconclusive`, it did not, and
is so for the fault's subject; `missed`, of the fault's own clause, neither; `accused`, it failed for somebody whom
nothing excuses. Where the radio loses nothing, a fault has to be detected; at loss it may stay inconclusive. `beyond`
counts the seeds in which no observer could have found it, and `decided` is the share of all instances, of all clauses,
that are.
"""

import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from nodes import __version__, report as reports
from nodes.fault_table import TABLE, subject_of
from nodes.flight import load, with_loss
from nodes.scenario import FaultEntry
from nodes.shipped import CONFIGS, scenario
from nodes.swarm.campaign import Result
from nodes.swarm.compare import unjust, verdict_on
from nodes.swarm.plans import Flown, fly
from nodes.swarm.report import narrow_table, share, shares, timing
from nodes.swarm.seeds import JUDGED, found_after_s
from nodes.swarm.shown import is_beyond
from protocol.clauses import IDS
from protocol.verdicts import Outcome, Verdict

SCHEMA = "airaccord-faults-1"
COUNTED = ("detected", "inconclusive", "missed", "accused")


def shipped_faults() -> list[str]:
    """The faults that have a scenario, by name."""
    return sorted(p.stem for p in (CONFIGS / "scenarios" / "faults").glob("*.toml"))


def fly_fault(name: str, seed: int, loss: float | None) -> Result:
    """What every clause said of one fault with one seed."""
    flight = load(scenario(f"faults/{name}"))
    recordings: list[io.BytesIO] = []

    def open_file(_: str) -> io.BytesIO:
        recordings.append(io.BytesIO())
        return recordings[-1]

    flown = fly(flight if loss is None else with_loss(flight, loss), seed, open_file)
    fault = next(f for f in flown.flight.scenario.fault if f.name == name)
    accused = unjust(flown)
    return {
        "fault": name,
        "seed": seed,
        "loss": flown.flight.scenario.medium.loss,
        "clauses": {clause: told for clause in IDS if (told := _said(flown, fault, clause, accused))},
        "after_s": found_after_s(flown, fault),
        "beyond": is_beyond(flown.flight, fault, recordings[0]),
        "judged": {o.value: sum(t.counts[o] for t in flown.tallies) for o in JUDGED},
        "accused": [[f.clause, f.subject, f.summary] for f in accused],
        "broken": list(flown.broken),
    }


def _said(flown: Flown, fault: FaultEntry, clause: str, accused: Sequence[Any]) -> list[str]:
    """The columns of one cell that one seed counts in."""
    own, subject = TABLE[fault.name].clause == clause, subject_of(fault, flown.flight.stations)
    just = any(f.clause == clause and f not in accused for f in flown.fails)
    detected = verdict_on(flown, fault) is Verdict.FAIL if own else just
    about = {subject, next(f"{s.address:06x}" for s in flown.flight.stations if s.call_sign == fault.station)}
    mine = [t for t in flown.tallies if t.clause == clause and t.subject in ({subject} if own else about)]
    open_ = not detected and any(t.counts[Outcome.INCONCLUSIVE] for t in mine)
    told = ["detected"] * detected + ["inconclusive"] * open_ + ["missed"] * (own and not detected and not open_)
    return told + ["accused"] * any(f.clause == clause for f in accused)


def build(results: Sequence[Result], faults: Sequence[str], first_seed: int, seeds: int) -> dict[str, Any]:
    """The matrix; cells that are not listed are empty in all four counts."""
    ordered = sorted(results, key=lambda r: (r["fault"], r["seed"]))
    return {
        "schema": SCHEMA,
        "tool": f"airaccord {__version__}",
        "first_seed": first_seed,
        "seeds": seeds,
        "faults": {name: _of_fault(name, [r for r in ordered if r["fault"] == name]) for name in faults},
        "accused": [
            {"fault": r["fault"], "seed": r["seed"], "clause": clause, "subject": subject, "summary": summary}
            for r in ordered
            for clause, subject, summary in r["accused"]
        ],
        "broken": [{"fault": r["fault"], "seed": r["seed"], "what": what} for r in ordered for what in r["broken"]],
        "complete": len(results) == len(faults) * seeds,
    }


def _of_fault(name: str, results: list[Result]) -> dict[str, Any]:
    row = TABLE[name]
    clauses = [c for c in IDS if c == row.clause or any(c in r["clauses"] for r in results)]
    judged = sum((Counter(r["judged"]) for r in results), Counter[str]())
    return {
        "clause": row.clause,
        "also": list(row.also),
        "loss": results[0]["loss"] if results else None,
        "flown": len(results),
        **timing([r["after_s"] for r in results]),
        "beyond": sum(r["beyond"] for r in results),
        **shares(judged),
        "clauses": {c: {k: sum(k in r["clauses"].get(c, ()) for r in results) for k in COUNTED} for c in clauses},
    }


def exit_code(report: dict[str, Any]) -> int:
    """1 for anybody innocent accused, a fault missed, or one not detected though nothing was lost."""
    if report["broken"]:
        return reports.BROKEN
    return reports.FAILED if report["accused"] or any(map(_undetected, report["faults"].values())) else reports.OK


def _undetected(row: dict[str, Any]) -> bool:
    own = row["clauses"][row["clause"]]
    return bool(own["missed"] or (own["inconclusive"] and not row["loss"]))


def render(report: dict[str, Any], console: Console) -> None:
    """The matrix for people: a row for each fault, and what other clauses said of it."""
    heads = ("fault", "clause", "found", "open", "missed", "beyond", "median", "worst", "also", "accused")
    table = narrow_table(*heads)
    for name, row in report["faults"].items():
        own, flown = row["clauses"][row["clause"]], row["flown"]
        seconds = ("-" if row[k] is None else f"{row[k]:.1f} s" for k in ("median_s", "worst_s"))
        others = [(c, n["detected"]) for c, n in row["clauses"].items() if c != row["clause"] and n["detected"]]
        accused = [(c, n["accused"]) for c, n in row["clauses"].items() if n["accused"]]
        also, wrong = (", ".join(f"{c} {share(n, flown)}" for c, n in some) or "-" for some in (others, accused))
        counts = share(own["detected"], flown), str(own["inconclusive"]), str(own["missed"]), str(row["beyond"])
        table.add_row(name, row["clause"], *counts, *seconds, also, wrong)
    console.print(table)
    for bug in report["accused"]:
        told = f"{bug['fault']}, seed {bug['seed']}: {bug['clause']} accuses {bug['subject']}: {bug['summary']}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    for broken in report["broken"]:
        told = f"{broken['fault']}, seed {broken['seed']}: {broken['what']}"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
