"""The report as data, and the exit code that follows from it. Pure: equal input gives equal bytes."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nodes import __version__
from protocol.accounts import Standing
from protocol.agreement import Agreement, Annexes, digest, utc_text
from protocol.clauses import IDS, in_words
from protocol.judge import Tally
from protocol.losses import at_least, share_lost
from protocol.units import NS_PER_S
from protocol.verdicts import Finding, Missing, Outcome, Verdict

if TYPE_CHECKING:
    from nodes.run import Run

SCHEMA = "airaccord-report-1"
Heard = Mapping[int, Mapping[Standing, int]]
"""By station, what its frames were good for, and how many were not heard."""

OK, FAILED, USAGE, REQUIRE, NOTHING, BROKEN, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
"""The exit codes of the command line."""


EXCUSES = ("host_late", "host_dropped", "host_silent")
"""What the hub counts and holds against nobody (see `radio.hub.Hub.counts`)."""
HOST_COUNTS = (*EXCUSES, "late", "too_many", "not_on_air", "malformed", "refused")
"""All that can go wrong between stations and hub."""


def build(
    *,
    agreement: Agreement,
    annexes: Annexes | None,
    tallies: Sequence[Tally],
    heard: Heard,
    recordings: Sequence[str] = (),
    source: Mapping[str, Any] | None = None,
    medium: Mapping[str, Any] | None = None,
    host: Mapping[str, Any] | None = None,
    damage: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """The whole report.

    `heard` counts each station's frames by what they are good for, and those that were not heard; `recordings` are
    digests, `damage` the places where a recording is not whole, `host` what went wrong with the emulator and not with
    any station.
    """
    reached = [t.verdict for t in tallies]
    parties = {f"{s.address:06x}": s.party for s in annexes.register_} if annexes else {}
    return {
        "schema": SCHEMA,
        "tool": f"airaccord {__version__}",
        "agreement": {
            "title": agreement.title,
            "version": agreement.version,
            "digest": agreement.digest(),
            "annexes": digest(annexes.to_json()) if annexes else None,
        },
        "clauses": in_words(agreement),
        "verdict": max(reached, default=Verdict.NOT_EXERCISED).label,
        "verdicts": [_verdict(t, parties.get(t.subject), heard) for t in tallies],
        "coverage": _coverage(tallies),
        "stations": {f"{s.address:06x}": s.call_sign for s in annexes.register_} if annexes else {},
        "heard": {
            f"{s.address:06x}": {standing.value: heard.get(s.address, {}).get(standing, 0) for standing in Standing}
            for s in (annexes.register_ if annexes else ())
        },
        "recordings": list(recordings),
        "damage": list(damage),
        "notes": list(notes),
        "source": dict(source) if source else None,
        "medium": dict(medium) if medium else None,
        "host": dict(host) if host else None,
        "complete": True,
    }


def of_run(run: "Run") -> dict[str, Any]:
    """The report of a run, virtual or live, as it stands."""
    flight = run.flight
    return build(
        agreement=flight.agreement,
        annexes=flight.annexes,
        tallies=run.tallies(),
        heard=run.heard(),
        source={"mode": run.mode, "seed": run.seed},
        medium={
            "transmissions": run.transmissions,
            "outcomes": {k.value: v for k, v in sorted(run.outcomes.items())},
            "channels": channels_of(run),
        },
        host={
            **{name: run.counts.get(name, 0) for name in HOST_COUNTS},
            "stretched": run.stretched[0],
            "stretched_s": round(run.stretched[1] / NS_PER_S, 3),
            "broken": list(run.broken),
            "told": list(run.told),
        },
        notes=flight.notes,
    )


def channels_of(run: "Run") -> dict[str, Any]:
    """How busy each channel was, by number: `load` is the airtime of all its frames as a share of the time flown."""
    flight, load = run.flight, run.load
    channels = (*flight.agreement.channel, *flight.scenario.unagreed_channel)
    elapsed_ns = max(run.now_ns - flight.start_ns, 1)
    return {
        str(c.number): {"name": c.name, "load": round(load[str(c.number)]["airtime_ns"] / elapsed_ns, 6)}
        | dict(load[str(c.number)])
        for c in sorted(channels, key=lambda c: c.number)
        if str(c.number) in load
    }


def _verdict(tally: Tally, party: str | None, heard: Heard) -> dict[str, Any]:
    assumptions = dict.fromkeys(a for f in tally.findings for a in f.assumptions)
    nearest = tally.nearest
    return {
        "clause": tally.clause,
        "subject": tally.subject,
        "party": party,
        "verdict": tally.verdict.label,
        "counts": {
            o.value: tally.counts[o] for o in (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PENDING)
        },
        "decided": None if tally.decided is None else round(tally.decided, 6),
        "nearest": None if nearest is None else _finding(nearest, heard),
        "causes": dict(sorted(tally.causes.items())),
        "assumptions": list(assumptions),
        "findings": [_finding(f, heard) for f in tally.findings],
    }


def _finding(finding: Finding, heard: Heard) -> dict[str, Any]:
    return {
        "outcome": finding.outcome.value,
        "at": utc_text(finding.at_ns),
        "summary": finding.summary,
        "evidence": list(finding.evidence),
        "cause": finding.cause.value if finding.cause else None,
        "measured": finding.measured,
        "limit": finding.limit,
        "unit": finding.unit,
        "assumptions": list(finding.assumptions),
        "losses": [_losses(missing, heard.get(missing.address, {})) for missing in finding.losses],
    }


def _losses(missing: Missing, heard: Mapping[Standing, int]) -> dict[str, Any]:
    """How many frames are missing there, and how probable it is that as many are, or more, by the station's losses in
    the whole recording, each independent of the others."""
    share = share_lost(heard.get(Standing.FIRST, 0), heard.get(Standing.UNHEARD, 0))
    return {
        "station": f"{missing.address:06x}",
        "passed": missing.passed,
        "unheard": missing.unheard,
        "share_lost": round(share, 4),
        "probability": float(f"{at_least(missing.unheard, missing.passed, share):.2g}"),
    }


def _coverage(tallies: Sequence[Tally]) -> dict[str, list[str]]:
    """Each clause once: exercised if it was for anybody, not applicable only if it was to nobody."""
    best = dict.fromkeys(IDS, Verdict.NOT_APPLICABLE)
    for tally in tallies:
        best[tally.clause] = max(best[tally.clause], tally.verdict)
    return {
        "exercised": sorted(c for c, v in best.items() if v >= Verdict.PASS),
        "not_exercised": sorted(c for c, v in best.items() if v is Verdict.NOT_EXERCISED),
        "not_applicable": sorted(c for c, v in best.items() if v is Verdict.NOT_APPLICABLE),
    }


def to_bytes(report: Mapping[str, Any]) -> bytes:
    """The report as it stands in `report.json`; `complete` is its last key."""
    return (json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def unmet(tallies: Sequence[Tally], require: Mapping[str, Any]) -> list[str]:
    """What the agreement or the scenario requires of clauses and this judgement did not show, in sentences."""
    sentences = []
    for clause, wanted in sorted(require.items()):
        mine = [t for t in tallies if t.clause == clause]
        passed = sum(t.counts[Outcome.PASS] + t.counts[Outcome.FAIL] for t in mine)
        judged = passed + sum(t.counts[Outcome.INCONCLUSIVE] for t in mine)
        if wanted.exercised and not judged:
            sentences.append(f"{clause} was to be exercised and was not")
        elif judged and passed / judged < wanted.decided:
            sentences.append(
                f"{clause} was to be decided in {wanted.decided:.0%} of instances; it was in {passed / judged:.1%}"
            )
    return sentences


def exit_code(tallies: Sequence[Tally], missing: Sequence[str], damaged: bool, broken: bool = False) -> int:
    """5 before 1 before 4 before 3 before 0: proof found in a damaged recording is still proof.

    `broken`: one of our own processes had trouble, which must not look like a run without.
    """
    if broken:
        return BROKEN
    reached = max((t.verdict for t in tallies), default=Verdict.NOT_EXERCISED)
    if reached is Verdict.FAIL:
        return FAILED
    if damaged or reached < Verdict.PASS:
        return NOTHING
    return REQUIRE if missing else OK
