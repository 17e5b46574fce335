"""What the verbs share: options, and how results are shown and written."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from nodes import report as reports
from nodes.output import OutputFolder
from nodes.terminal import render, to_text

Output = Annotated[
    Path | None, typer.Option("--output", help="Write the results to this folder, which must not exist.")
]
Force = Annotated[bool, typer.Option("--force", help="Write to --output even if it exists.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON instead of text.")]


def show(
    report: dict[str, Any], frames: dict[str, str], missing: list[str], folder: OutputFolder, as_json: bool
) -> None:
    """Write `report.json` and `report.txt`, and print one of them."""
    data = reports.to_bytes(report)
    folder.write("report.json", data)
    folder.write("report.txt", to_text(report, frames, missing).encode())
    with closed_pipe_is_no_error():
        if as_json:
            sys.stdout.write(data.decode())
            return
        console = _Console()
        render(report, frames, missing, console)
        if folder.path is not None:
            console.print(f"written to {folder.path}", highlight=False, markup=False)


class _Console(Console):
    """A console that leaves a closed pipe to us; rich would end the process with 1, which reads as a violation."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


@contextmanager
def closed_pipe_is_no_error() -> Iterator[None]:
    """Print inside this: whoever reads may stop reading (`| head`), and the exit code is still the verdict's."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def wanted_frames(report: dict[str, Any]) -> set[str]:
    """The ids of all frames that prove a failure."""
    findings = [f for v in report["verdicts"] for f in v["findings"] if f["outcome"] == "fail"]
    return {name for f in findings for name in f["evidence"]}
