"""One seed: drawn, flown, compared, shrunk if there is a bug. What comes of it is JSON: it travels, and is kept."""

from collections import Counter
from typing import Any

from nodes import __version__
from nodes.fault_table import TABLE, subject_of
from nodes.problems import ConfigurationError
from nodes.scenario import FaultEntry
from nodes.swarm.compare import Bug, bugs_of, told_enough, verdict_on
from nodes.swarm.draw import draw
from nodes.swarm.plans import Flown, Plan, fly
from nodes.swarm.shrink import shrink
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import Outcome

Result = dict[str, Any]

TOOL = f"airaccord {__version__}"
JUDGED = (Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL)


def fly_seed(seed: int) -> Result:
    """Everything about one seed. Raises nothing: what goes wrong is a bug, too."""
    plan = draw(seed)
    flown, bugs = _look(plan)
    return {
        "seed": seed,
        "tool": TOOL,
        "unheard": _unheard(flown) if flown else None,
        "clauses": _clauses(flown) if flown else {},
        "faults": [_fault(flown, f) for f in flown.flight.scenario.fault] if flown else [],
        "bugs": _told(plan, bugs),
    }


def _look(plan: Plan) -> tuple[Flown | None, list[Bug]]:
    """A plan's flight, and what is wrong with it."""
    try:
        flown = fly(plan.load())
    except ConfigurationError as error:
        return None, [Bug("refused", "", "", error.problems[0].expected)]
    except Exception as error:  # else one seed would end the campaign
        return None, [Bug("crash", "", "", f"{type(error).__name__}: {error}")]
    return flown, bugs_of(flown)


def _unheard(flown: Flown) -> float:
    """The share of all frames that the monitor did not receive."""
    sent = sum(h.sent for h in flown.heard.values())
    return round(1 - sum(h.received for h in flown.heard.values()) / sent, 4) if sent else 0.0


def _clauses(flown: Flown) -> dict[str, dict[str, int]]:
    """How many instances of each clause passed, stayed open and failed."""
    counts: dict[str, Counter[str]] = {}
    for tally in flown.tallies:
        for outcome in JUDGED:
            if tally.counts[outcome]:
                counts.setdefault(tally.clause, Counter())[outcome.value] += tally.counts[outcome]
    return {clause: dict(sorted(told.items())) for clause, told in sorted(counts.items())}


def _fault(flown: Flown, fault: FaultEntry) -> dict[str, Any]:
    return {
        "name": fault.name,
        "station": fault.station,
        "verdict": verdict_on(flown, fault).label,
        "told_enough": told_enough(flown, fault),
        "after_s": found_after_s(flown, fault),
    }


def found_after_s(flown: Flown, fault: FaultEntry) -> float | None:
    """How long after a fault's onset its clause first failed for its subject; None if it did not."""
    flight, clause = flown.flight, TABLE[fault.name].clause
    subject = subject_of(fault, flight.stations)
    at = [f.at_ns for f in flown.fails if (f.clause, f.subject) == (clause, subject)]
    onset_ns = flight.start_ns + seconds_ns(fault.at_s)
    return round((min(at) - onset_ns) / NS_PER_S, 1) if at else None


def _told(plan: Plan, bugs: list[Bug]) -> list[dict[str, Any]]:
    """Bugs with the small plans that show them, as two files each; one for all of a kind in a clause."""
    small: dict[tuple[str, str], dict[str, str]] = {}
    for bug in bugs:
        if bug[:2] not in small:
            name = file_name(plan.scenario["seed"], bug)
            shown = shrink(plan, bug, lambda cut: _look(cut)[1])
            agreement, scenario = shown.texts(f"{name}.agreement.toml")
            small[bug[:2]] = {"file": f"{name}.toml", "scenario": scenario, "agreement": agreement}
    return [{**bug._asdict(), **small[bug[:2]]} for bug in bugs]


def file_name(seed: int, bug: Bug) -> str:
    """What the files of a bug are called, without their endings."""
    return "-".join(filter(None, ("seed", str(seed), bug.kind, bug.clause)))
