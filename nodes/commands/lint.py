"""`airaccord lint`: everything that is wrong with a file, before it flies."""

import json
from pathlib import Path
from typing import Annotated

import typer

from nodes import report as reports
from nodes.flight import is_scenario, load, load_agreement, read_toml
from nodes.problems import ConfigurationError
from protocol.agreement import Agreement, Clauses


def lint(
    file: Annotated[Path, typer.Argument(help="An agreement or a scenario.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """Check an agreement or a scenario, and say everything that is wrong with it at once.

    Example: airaccord lint configs/scenarios/quiet.toml
    """
    try:
        told = _scenario(file) if is_scenario(read_toml(file)) else _agreement(file)
    except ConfigurationError as error:
        if not as_json:
            raise
        typer.echo(json.dumps([p._asdict() for p in error.problems], indent=1))
        raise typer.Exit(reports.USAGE) from None
    typer.echo("[]" if as_json else told)


def _agreement(file: Path) -> str:
    agreement = load_agreement(file)
    off = _switched_off(agreement)
    return (
        f"{file}: agreement «{agreement.title}» version {agreement.version}, digest {agreement.digest()}; no errors\n"
        + (f"switched off: {', '.join(off)}" if off else "every clause is in force")
    )


def _switched_off(agreement: Agreement) -> list[str]:
    """The clauses that the agreement leaves out, and nobody is judged by."""
    return [str(f.alias) for name, f in Clauses.model_fields.items() if getattr(agreement.clause, name) is None]


def _scenario(file: Path) -> str:
    flight = load(file)
    notes = "".join(f"\n{note}" for note in flight.notes)
    return f"{file}: scenario «{flight.scenario.title}», {len(flight.stations)} stations; no errors{notes}"
