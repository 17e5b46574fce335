"""Judges a recording: the same records to the same judge as in the run that made it."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ValidationError

from nodes.monitor import observe
from nodes.problems import ConfigurationError, Problem, from_validation
from protocol.accounts import Standing
from protocol.agreement import Agreement, Annexes
from protocol.judge import Tally
from protocol.line.judging import Judging, LineJudge, judge_of
from protocol.line.names import client_of_monitor
from radio.recording import Damage, NotARecording, Reader, time_ns


@dataclass(slots=True)
class Checked:
    """What a recording gave: the tallies, what is damaged in it, and its own digest."""

    digest: str
    annexes: Annexes | None = None
    monitor: str = ""
    tallies: list[Tally] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    records: int = 0
    heard: dict[int, Counter[Standing]] = field(default_factory=dict)


def check(path: Path, agreement: Agreement) -> Checked:
    """Judge one recording under an agreement.

    Raises ConfigurationError if it is no recording, or one made under another agreement.
    """
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            return _check(stream, path, agreement, digest)
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise ConfigurationError([Problem(str(path), "", "", reason)]) from None
    except NotARecording as error:
        raise ConfigurationError([Problem(str(path), "", "", f"is not a recording of airaccord: {error}")]) from None


def _check(stream: BinaryIO, path: Path, agreement: Agreement, digest: str) -> Checked:
    reader = Reader(stream)
    checked = Checked(digest)
    if reader.header is None:
        checked.damage = [_told(path, item) for item in reader if isinstance(item, Damage)]
        return checked
    header = _header(reader.header, path)
    if header.agreement != agreement.digest():
        expected = (
            f"was made under another agreement (digest {header.agreement[:16]}); "
            f"the one given, «{agreement.title}» version {agreement.version}, has {agreement.digest()[:16]}"
        )
        raise ConfigurationError([Problem(str(path), "", "", expected)])
    try:
        checked.annexes = Annexes.model_validate(header.annexes)
    except ValidationError as error:
        raise ConfigurationError(from_validation(path, error)) from None
    checked.monitor = header.monitor
    listener = client_of_monitor(checked.monitor)
    judge = judge_of(agreement, checked.annexes, from_ns=header.start_ns, listener=listener)
    last_ns, hole = header.start_ns, False
    for item in reader:
        if isinstance(item, Damage):
            checked.damage.append(_told(path, item))
            hole = True
            continue
        at_ns = time_ns(item)
        if hole:  # what stood there may have been frames: nobody is blamed for their absence
            _missed(judge, last_ns, at_ns)
            hole = False
        observe(judge, checked.monitor, item)
        last_ns = at_ns
        checked.records += 1
    end_ns = reader.end_ns if reader.end_ns is not None else last_ns
    if hole:
        _missed(judge, last_ns, end_ns)
    checked.tallies = judge.close(end_ns)
    checked.heard = judge.heard
    return checked


def _missed(judge: Judging, from_ns: int, until_ns: int) -> None:
    """Whatever stood in a recording for this time is lost."""
    judge.hearing_gap(from_ns, until_ns)
    if isinstance(judge, LineJudge):
        judge.line_gap(from_ns, until_ns)


class _Header(BaseModel):
    """What a recording says about itself (see `nodes.monitor.header_text`). Anybody can write one: it is checked."""

    agreement: str
    annexes: dict[str, Any]
    monitor: str
    start_ns: int


def _header(text: str, path: Path) -> _Header:
    try:
        return _Header.model_validate_json(text)
    except ValidationError:
        expected = (
            "is a recording, but not of airaccord's: its header does not say agreement, annexes, monitor and start"
        )
        raise ConfigurationError([Problem(str(path), "", "", expected)]) from None


def _told(path: Path, damage: Damage) -> str:
    number = "" if damage.number is None else f", record {damage.number}"
    return f"{path.name} at byte {damage.offset}{number}: {damage.what}"
