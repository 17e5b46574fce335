"""`airaccord decode`: frames as text or JSON, from hex or from a recording."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from nodes import report as reports
from nodes.problems import ConfigurationError, Problem
from protocol import codec, describe
from protocol.agreement import utc_text
from protocol.errors import DecodeError
from radio.recording import Damage, HearingGap, NotARecording, Reader


def decode(
    frames: Annotated[list[str], typer.Argument(help="Frames in hex, or one recording.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per frame and line.")] = False,
) -> None:
    """Say what frames mean: given in hex, or all frames of a recording.

    Example: airaccord decode 0101003801ae1001...   or   airaccord decode out/monitor.pcapng --json
    """
    bad = 0
    for name, about, data in _sources(frames):
        try:
            frame = codec.decode(data)
        except DecodeError as error:
            bad += 1
            typer.echo(json.dumps(about | {"error": str(error)}) if as_json else f"{name}: not a frame: {error}")
            continue
        if as_json:
            typer.echo(json.dumps(about | describe.as_dict(frame)))
        else:
            typer.echo(f"{name}\n{describe.as_text(frame)}\n")
    if bad:
        raise typer.Exit(reports.NOTHING)


def _sources(frames: list[str]) -> Iterator[tuple[str, dict[str, Any], bytes]]:
    """Every frame with its name and what is known beside its bytes. Raises ConfigurationError."""
    for text in frames:
        if Path(text).is_file():
            yield from _recorded(Path(text))
            continue
        try:
            yield text[:16] + ("…" if len(text) > 16 else ""), {}, bytes.fromhex(text)
        except ValueError:
            expected = "is neither hex nor the name of a recording"
            raise ConfigurationError([Problem(text[:80], "", "", expected)]) from None


def _recorded(path: Path) -> Iterator[tuple[str, dict[str, Any], bytes]]:
    try:
        with path.open("rb") as stream:
            for item in Reader(stream):
                if isinstance(item, Damage):
                    typer.echo(f"{path.name} at byte {item.offset}: {item.what}", err=True)
                elif not isinstance(item, HearingGap):
                    about = {
                        "record": item.number,
                        "arrival": utc_text(item.arrival_ns),
                        "heard_on": item.channel,
                        "power_dbm": item.power_tenths_dbm / 10,
                    }
                    yield f"#{item.number} {utc_text(item.arrival_ns)} channel {item.channel}", about, item.frame
    except NotARecording as error:
        problem = Problem(str(path), "", "", f"is not a recording of airaccord: {error}")
        raise ConfigurationError([problem]) from None
