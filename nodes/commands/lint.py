"""`airaccord lint`: everything that is wrong with a file, before it flies."""

import json
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from nodes import report as reports
from nodes.flight import load, load_agreement
from nodes.problems import ConfigurationError


def lint(
    file: Annotated[Path, typer.Argument(help="An agreement or a scenario.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """Check an agreement or a scenario, and say everything that is wrong with it at once.

    Example: airaccord lint configs/scenarios/quiet.toml
    """
    try:
        told = _scenario(file) if _is_scenario(file) else _agreement(file)
    except ConfigurationError as error:
        if not as_json:
            raise
        typer.echo(json.dumps([p._asdict() for p in error.problems], indent=1))
        raise typer.Exit(reports.USAGE) from None
    typer.echo("[]" if as_json else told)


def _is_scenario(file: Path) -> bool:
    """Whether a file has what only scenarios have; one that cannot be read is left to the loader's message."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return "station" in values or "agreement" in values


def _agreement(file: Path) -> str:
    agreement = load_agreement(file)
    return f"{file}: agreement «{agreement.title}» version {agreement.version}, digest {agreement.digest()}; no errors"


def _scenario(file: Path) -> str:
    flight = load(file)
    notes = "".join(f"\n{note}" for note in flight.notes)
    return f"{file}: scenario «{flight.scenario.title}», {len(flight.stations)} stations; no errors{notes}"
