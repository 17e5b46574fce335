"""Looks up in a recording the frames that a finding names, and says each in a line."""

from collections.abc import Collection
from typing import BinaryIO

from protocol import codec
from protocol.agreement import utc_text
from protocol.errors import DecodeError
from protocol.messages import Ack, Hail, Ident, Intent, PeerReport, Position, Watch
from radio.recording import NotARecording, Reader, Reception


def frame_lines(stream: BinaryIO, monitor: str, wanted: Collection[str]) -> dict[str, str]:
    """For each frame id of this monitor that is wanted and there, one line about it."""
    stream.seek(0)
    lines: dict[str, str] = {}
    try:
        for item in Reader(stream):
            if isinstance(item, Reception) and (name := f"{monitor}#{item.number}") in wanted:
                lines[name] = frame_line(name, item)
    except NotARecording:
        return {}
    return lines


def frame_line(name: str, record: Reception) -> str:
    """One received frame in one line."""
    when = utc_text(record.arrival_ns)[11:23]
    try:
        frame = codec.decode(record.frame)
    except DecodeError as error:
        return f"{name}  {when}  not a frame: {error}"
    about = f"{frame.source:06x} session {frame.session} no. {frame.sequence}"
    return f"{name}  {when}  {about}  {frame.type.name} {_gist(frame.message)}  intent {frame.intent}".rstrip()


def _gist(message: object) -> str:
    match message:
        case Position(latitude_deg=lat, longitude_deg=lon, baro_altitude_ft=ft) as p if lat is not None:
            counts = f"{p.idents} IDENT, {p.hails} HAIL, {p.acks} ACK sent"
            receipt = f"; last call heard {p.receipt.source:06x} no. {p.receipt.sequence}" if p.receipt else ""
            return f"{lat:.5f} {lon:.5f} {ft} ft; {counts}{receipt}"
        case Intent(serial=serial, kind=kind, validity_s=validity):
            return f"{serial} {kind.name} for {validity} s"
        case Ident(call_sign=call_sign):
            return call_sign
        case Hail(addressee=to, call_id=call, phrase=phrase):
            return f"to {to:06x} {phrase.name}, call {call}"
        case Ack(addressee=to, answers_sequence=sequence, result=result):
            return f"to {to:06x} for no. {sequence}: {result.name}"
        case Watch(report=report) if report is not None:
            return f"heard {report.peer:06x} no. {_runs(report)}"
    return ""


def _runs(report: PeerReport) -> str:
    """The sequence numbers that a WATCH says were heard, as runs: `3-7, 9`."""
    last = report.last_sequence
    heard = [n for n in range(max(last - 32, 0), last + 1) if report.heard(n)]
    runs: list[list[int]] = []
    for n in heard:
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
