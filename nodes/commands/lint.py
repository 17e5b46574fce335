"""`airaccord lint`: everything that is wrong with a file, and what is unwise in it, before it flies."""

import json
from pathlib import Path
from typing import Annotated

import typer

from nodes import report as reports
from nodes.flight import is_scenario, load, load_agreement
from nodes.keys import is_register, load_public_keys
from nodes.plan_lint import agreement_warnings, notes_on, warnings_of
from nodes.problems import ConfigurationError, Problem
from nodes.toml_files import read_toml
from protocol.agreement import Agreement
from protocol.terms import Clauses


def lint(
    file: Annotated[Path, typer.Argument(help="An agreement, a scenario, or public keys.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 2 for warnings, too.")] = False,
) -> None:
    """Check an agreement, a scenario or a file of public keys, and say everything that is wrong with it at once.

    An error makes it impossible to fly, a warning makes it unwise.

    Example: airaccord lint configs/scenarios/quiet.toml
    """
    try:
        values = read_toml(file)
        read = _scenario if is_scenario(values) else _keys if is_register(values) else _agreement
        told, warnings, notes = read(file)
    except ConfigurationError as error:
        if not as_json:
            raise
        _print_json(error.problems)
        raise typer.Exit(reports.USAGE) from None
    if as_json:
        _print_json(warnings)
    else:
        typer.echo(told)
        for line in (*(f"warning: {w}" for w in warnings), *(f"note: {n}" for n in notes)):
            typer.echo(line, err=True)
    if strict and warnings:
        raise typer.Exit(reports.USAGE)


def _print_json(problems: list[Problem]) -> None:
    typer.echo(json.dumps([p._asdict() for p in problems], indent=1))


def _agreement(file: Path) -> tuple[str, list[Problem], list[str]]:
    agreement = load_agreement(file)
    off = _switched_off(agreement)
    told = (
        f"{file}: agreement «{agreement.title}» version {agreement.version}, digest {agreement.digest()}; no errors\n"
        + (f"switched off: {', '.join(off)}" if off else "every clause is in force")
    )
    return told, agreement_warnings(agreement, file), notes_on(agreement, file)


def _switched_off(agreement: Agreement) -> list[str]:
    """The clauses that the agreement leaves out, and nobody is judged by."""
    return [str(f.alias) for name, f in Clauses.model_fields.items() if getattr(agreement.clause, name) is None]


def _scenario(file: Path) -> tuple[str, list[Problem], list[str]]:
    flight = load(file)
    notes = "".join(f"\n{note}" for note in flight.notes)
    told = f"{file}: scenario «{flight.scenario.title}», {len(flight.stations)} stations; no errors{notes}"
    return told, warnings_of(flight, file), notes_on(flight.agreement, file.parent / flight.scenario.agreement)


def _keys(file: Path) -> tuple[str, list[Problem], list[str]]:
    return f"{file}: public keys of {', '.join(load_public_keys(file))}; no errors", [], []
