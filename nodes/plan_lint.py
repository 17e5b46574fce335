"""What is unwise in a plan that can fly: warnings, before it flies. The list of checks, and nothing else.

Each check is a generator that is given the terms of an agreement or a whole plan, computes with pure functions beside
it, and yields one warning for each thing found, with its numbers and the key to change. They are in `lint_channel`,
`lint_limits`, `lint_clock`, `lint_contact` and `lint_reach`. What makes a plan impossible is an error of `flight`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from nodes import lint_channel, lint_clock, lint_contact, lint_limits, lint_reach
from nodes.flight import Flight
from nodes.lint_plan import Plan, Terms
from nodes.problems import Problem
from protocol.agreement import Agreement

OF_TERMS: tuple[Callable[[Terms], Iterator[Problem]], ...] = (
    lint_channel.short_slots,
    lint_channel.overlapping_bands,
    lint_limits.broken_by_one_ident,
    lint_limits.broken_by_one_report,
    lint_limits.no_time_to_answer,
)
"""What an agreement alone shows."""
OF_PLANS: tuple[Callable[[Plan], Iterator[Problem]], ...] = (
    lint_channel.overlapping_unagreed_bands,
    lint_channel.random_access,
    lint_limits.broken_by_chance,
    lint_limits.no_time_for_a_pilot,
    lint_clock.drawn_clocks,
    lint_clock.leaves_its_slot,
    lint_clock.reaches_into_others,
    lint_contact.ring_crossed_too_fast,
    lint_contact.too_many_to_call,
    lint_contact.too_few_shared_slots,
    lint_reach.beyond_the_horizon,
    lint_reach.too_weak,
    lint_reach.too_loud,
    lint_reach.ends_in_flight,
    lint_reach.never_in_the_area,
)
"""What only shows when it is known who flies where."""


def agreement_warnings(agreement: Agreement, path: Path) -> list[Problem]:
    """What is unwise in an agreement, whoever flies; `path` is its file."""
    terms = Terms(agreement=agreement, file=str(path))
    return [problem for check in OF_TERMS for problem in check(terms)]


def warnings_of(flight: Flight, path: Path) -> list[Problem]:
    """What is unwise in a scenario and, with its area, in its agreement; `path` is the scenario's file."""
    plan = Plan.of(flight, path)
    told = [problem for check in OF_TERMS for problem in check(plan.terms)]
    return told + [problem for check in OF_PLANS for problem in check(plan)]


def notes_on(agreement: Agreement, path: Path) -> list[str]:
    """What is worth knowing of an agreement, and no flaw; `path` is its file."""
    note = lint_contact.greatest_speed_note(Terms(agreement=agreement, file=str(path)))
    return [note] if note else []
