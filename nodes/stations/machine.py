"""Procedures as tables: in a state, an event leads to actions and to the next state. Nothing else decides what is next.

What an action does is the station's affair; which action comes when stands in the tables of `procedures`.
"""

from dataclasses import dataclass, field
from typing import NamedTuple


class Step(NamedTuple):
    """In `state`, `event` leads to `actions`, in order, and to the state `then`."""

    state: str
    event: str
    actions: tuple[str, ...]
    then: str


@dataclass(frozen=True, slots=True)
class Procedure:
    """One table. It begins in the state of its first step; what stands in no step changes nothing."""

    title: str
    text: str
    steps: tuple[Step, ...]
    clauses: tuple[str, ...] = ()
    """What it is there for."""

    @property
    def states(self) -> list[str]:
        """All of them, in the order of the table."""
        return list(dict.fromkeys(name for step in self.steps for name in (step.state, step.then)))

    def step(self, state: str, event: str) -> Step | None:
        return next((s for s in self.steps if (s.state, s.event) == (state, event)), None)


@dataclass(slots=True)
class Machine:
    """Where a station stands in a procedure."""

    procedure: Procedure
    state: str = field(default="")

    def __post_init__(self) -> None:
        self.state = self.state or self.procedure.steps[0].state

    def on(self, event: str) -> tuple[str, ...]:
        """What an event leads to: the actions, in order."""
        step = self.procedure.step(self.state, event)
        if step is None:
            return ()
        self.state = step.then
        return step.actions


def diagram(procedure: Procedure) -> str:
    """The table as a state diagram, in Mermaid's words."""
    lines = ["stateDiagram-v2", f"    [*] --> {_name(procedure.steps[0].state)}"]
    for state in procedure.states:
        if " " in state:
            lines.append(f'    state "{state}" as {_name(state)}')
    for step in procedure.steps:
        does = f" / {', '.join(step.actions)}" if step.actions else ""
        lines.append(f"    {_name(step.state)} --> {_name(step.then)}: {step.event}{does}")
    return "\n".join(lines)


def _name(state: str) -> str:
    return state.replace(" ", "_")
