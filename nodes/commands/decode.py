"""`airaccord decode`: frames as text or JSON, from hex or from a recording."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from nodes import report as reports
from nodes.commands.common import closed_pipe_is_no_error
from nodes.problems import ConfigurationError, Problem
from protocol import codec, describe
from protocol.agreement import utc_text
from protocol.errors import DecodeError
from radio.recording import (
    Damage,
    HearingGap,
    HostTrouble,
    LineDocument,
    LineGap,
    NotARecording,
    Reader,
    Record,
    time_ns,
)


def decode(
    frames: Annotated[list[str], typer.Argument(help="Frames in hex, or one recording.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per frame and line.")] = False,
) -> None:
    """Say what frames mean: given in hex, or all frames of a recording.

    A recording also says when nothing could be heard, and when the emulator itself had trouble with a station.

    Example: airaccord decode 0101003801ae1001...   or   airaccord decode out/monitor.pcapng --json
    """
    bad = 0
    with closed_pipe_is_no_error():
        bad = _tell(frames, as_json)
    if bad:
        raise typer.Exit(reports.NOTHING)


def _tell(frames: list[str], as_json: bool) -> int:
    """Print every frame. Returns how many places could not be read."""
    bad = 0
    for name, about, data in _sources(frames):
        if isinstance(data, Damage):
            bad += 1
            typer.echo(f"{name}: {data.what}", err=True)
            continue
        if isinstance(data, str):
            typer.echo(json.dumps(about) if as_json else f"{name}\n{data}\n")
            continue
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
    return bad


Source = tuple[str, dict[str, Any], bytes | str | Damage]
"""A name for people, what is known beside the bytes, and the bytes; a sentence in place of them where no frame is."""


def _sources(frames: list[str]) -> Iterator[Source]:
    """Every frame that was given. Raises ConfigurationError."""
    if all(len(text) == 2 for text in frames):
        frames = ["".join(frames)]  # one frame, written byte by byte
    for text in frames:
        try:
            data = bytes.fromhex(text)
        except ValueError:
            yield from _recorded(Path(text))
        else:
            yield text[:16] + ("…" if len(text) > 16 else ""), {}, data


def _recorded(path: Path) -> Iterator[Source]:
    try:
        with path.open("rb") as stream:
            for item in Reader(stream):
                if isinstance(item, Damage):
                    yield f"{path.name} at byte {item.offset}", {}, item
                else:
                    yield _record(item)
    except OSError as error:
        expected = f"is no hex, and as a recording it cannot be read: {error.strerror}"
        raise ConfigurationError([Problem(str(path)[:80], "", "", expected)]) from None
    except NotARecording as error:
        problem = Problem(str(path), "", "", f"is not a recording of airaccord: {error}")
        raise ConfigurationError([problem]) from None


def _record(record: Record) -> Source:
    """A frame received, a document of the ground line, or a note that the monitor made.

    In JSON what is no frame has `document`, `hearing_gap`, `line_gap` or `host_trouble`.
    """
    name = f"#{record.number} {utc_text(time_ns(record))}"
    if isinstance(record, HearingGap):
        gap = {"from": utc_text(record.from_ns), "until": utc_text(record.until_ns)}
        return name, {"record": record.number, "hearing_gap": gap}, f"nothing could be heard until {gap['until']}"
    if isinstance(record, HostTrouble):
        until = None if record.until_ns is None else utc_text(record.until_ns)
        trouble = {"station": f"{record.address:06x}" if record.address else None, "from": utc_text(record.from_ns)}
        about = {"record": record.number, "host_trouble": trouble | {"until": until}}
        told = f"the emulator had trouble with {trouble['station'] or 'every station'} from {trouble['from']}"
        return name, about, f"{told} until {until}" if until else f"{told}; not over yet"
    if isinstance(record, LineGap):
        until = None if record.until_ns is None else utc_text(record.until_ns)
        cut = {"from": utc_text(record.from_ns), "until": until}
        told = f"the ground line was cut off from {cut['from']}"
        return name, {"record": record.number, "line_gap": cut}, f"{told} until {until}" if until else f"{told}; still"
    if isinstance(record, LineDocument):
        told = record.payload.decode(errors="replace")
        document = {"topic": record.topic, "payload": told}
        return f"{name} {record.topic}", {"record": record.number, "document": document}, told
    about = {
        "record": record.number,
        "arrival": utc_text(record.arrival_ns),
        "heard_on": record.channel,
        "power_dbm": record.power_tenths_dbm / 10,
    }
    return f"{name} channel {record.channel}", about, record.frame
