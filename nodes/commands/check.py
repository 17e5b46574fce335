"""`airaccord check`: judge a recording."""

from pathlib import Path
from typing import Annotated

import typer

from nodes import report as reports
from nodes.checking import check as check_recording
from nodes.commands.common import AsJson, Force, Output, show, wanted_frames
from nodes.evidence import frame_lines
from nodes.flight import load_agreement
from nodes.output import OutputFolder
from nodes.problems import ConfigurationError, Problem


def check(
    recording: Annotated[list[Path], typer.Argument(help="The recording of a monitor.", show_default=False)],
    agreement: Annotated[Path, typer.Option(help="The agreement it was made under.", show_default=False)],
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Judge a recording: the verdicts of the run that made it, from its evidence alone.

    Example: airaccord check out/monitor.pcapng --agreement configs/agreements/safety-of-flight-2015.toml
    """
    if len(recording) > 1:
        problem = Problem(str(recording[1]), "", "", "one recording at a time: merging several is not built yet")
        raise ConfigurationError([problem])
    terms = load_agreement(agreement)
    checked = check_recording(recording[0], terms)
    folder = OutputFolder(output, force)
    report = reports.build(
        agreement=terms,
        annexes=checked.annexes,
        tallies=checked.tallies,
        heard=checked.heard,
        recordings=[checked.digest],
        damage=checked.damage,
    )
    missing = reports.unmet(checked.tallies, terms.require)
    with recording[0].open("rb") as stream:
        frames = frame_lines(stream, checked.monitor, wanted_frames(report))
    show(report, frames, missing, folder, as_json)
    raise typer.Exit(reports.exit_code(checked.tallies, missing, bool(checked.damage)))
