"""The page about the procedures, made from their tables."""

from nodes.stations.machine import Procedure, diagram
from nodes.stations.procedures import ALL

INTRODUCTION = (
    "# Procedures\n\nWhat the emulated stations do, and in which order, stands in tables "
    "(`nodes/stations/procedures.py`); this page is made from them by `airaccord spec procedures`. A step reads: in a "
    "state, an event leads to actions and to the next state. What stands in no step changes nothing.\n"
)


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join([INTRODUCTION, *(_section(procedure) for procedure in ALL)])


def _section(procedure: Procedure) -> str:
    rows = [f"| {s.state} | {s.event} | {', '.join(s.actions)} | {s.then} |" for s in procedure.steps]
    return "\n".join(
        [
            f"## {procedure.title}",
            f"{procedure.text} Clauses: {', '.join(procedure.clauses)}.",
            "",
            "```mermaid",
            diagram(procedure),
            "```",
            "",
            "| in state | event | actions | next state |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )
