"""The process of a monitor: it records and judges, and goes on with its recording if it was killed."""

import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import zmq

from nodes.checking import check
from nodes.flight import Flight
from nodes.line.virtual import Cut
from nodes.live.child import GONE, POLL_MS, Control, Waiting, begin
from nodes.live.client import Client
from nodes.live.line_client import LineClient, LineStart, fingerprint
from nodes.monitor import Monitor, header_of, judge_for, name_of, observe
from nodes.scenario import StationEntry
from protocol.accounts import Standing
from protocol.judge import Tally
from protocol.verdicts import Finding, Outcome
from radio.envelope import End, FromHub, Marks, Time, Trouble, Welcome
from radio.line import DELAY_NS
from radio.record_layout import time_ns
from radio.recording import HostTrouble, LineDocument, LineGap, NotARecording, Record, Writer

Judgement = tuple[list[Tally], dict[int, Counter[Standing]]]
"""What a judge has found, and what the frames that it heard were good for."""

LAST_WORDS_S = 0.3
"""What a hub has said before it ended is here after so long."""
TELL_EVERY = 2000
"""Records that are read again between two signs of life."""


class MonitorStart(NamedTuple):
    """What a monitor begins with. The first monitor of a flight judges."""

    address: int
    key: bytes
    recording: Path
    judges: bool
    line: LineStart | None = None


def monitor_process(control: Control, endpoint: str, flight: Flight, seed: int, start: MonitorStart) -> None:
    """Listen until the run is over.

    Takes ("tallies",), which it answers with ("tallies", tallies, heard), ("hello",) if there may be another hub, and
    ("over", now_ns) if there is none any more. Tells ("finding", finding) for each that is no pass, ("busy",) while it
    reads what was recorded before, and ("judged", tallies, heard) at the end.
    """
    entry = next(s for s in flight.stations if s.address == start.address)
    begin(f"monitor {entry.call_sign}")
    context = zmq.Context()
    try:
        with start.recording.open("r+b" if start.recording.exists() else "w+b") as stream:
            book = _Book(stream, entry, flight, start.judges, control.send)
            client = Client(context, endpoint, start.address, start.key)
            monitor = Monitor(entry, flight, seed, book.writer, book.judge)
            listening = _Listening(control, client, book, monitor, entry, flight, start.line)
            waiting = Waiting(control, [client.socket])
            while not listening.over:
                if waiting(listening.patience_ms):
                    listening.obey(control.recv())
                listening.turn()
            control.send(("judged", *book.result()))
            listening.leave_the_line()
    except GONE:
        pass
    finally:
        context.destroy(linger=0)


class TooLong(Exception):
    """There was no time to judge a recording to its end; `judgement` goes as far as `until_ns`."""

    def __init__(self, judgement: Judgement, until_ns: int):
        super().__init__()
        self.judgement, self.until_ns = judgement, until_ns


def finish_recording(
    path: Path,
    entry: StationEntry,
    flight: Flight,
    now_ns: int,
    judges: bool,
    found: Callable[[Finding], object],
    at_most_s: float = math.inf,
) -> Judgement:
    """Close a recording whose monitor cannot do it any more, and judge it: nothing was heard from its end until now.

    If that takes more than `at_most_s`, it is left as it is. Raises TooLong then.
    """
    limit_s = time.monotonic() + at_most_s

    def tell(words: tuple[Any, ...]) -> None:
        if words[0] == "finding":
            found(words[1])

    try:
        with path.open("r+b" if path.exists() else "w+b") as stream:
            book = _Book(stream, entry, flight, judges, tell, limit_s)
            last_ns = max(book.heard_until_ns, book.writer.last_ns)
            if last_ns < now_ns:
                if flight.line:
                    book.observe(book.writer.line_gap(at_ns=last_ns, from_ns=last_ns, until_ns=None))
                book.observe(book.writer.hearing_gap(last_ns, now_ns))
            book.writer.close(max(last_ns, now_ns))
            if book.judge:
                book.judge.close(max(last_ns, now_ns))
            return book.result()
    except (NotARecording, ValueError):  # it is closed already, or damaged
        checked = check(path, flight.agreement)
        return checked.tallies, checked.heard


class _Book:
    """A recording that is begun or gone on with, and its judge, who has heard everything that stands in it."""

    def __init__(
        self,
        stream: BinaryIO,
        entry: StationEntry,
        flight: Flight,
        judges: bool,
        tell: Callable[[tuple[Any, ...]], object],
        limit_s: float = math.inf,
    ):
        self._name, self._tell, self._telling, self._read = name_of(entry), tell, False, 0
        self._limit_s = limit_s
        self.judge = judge_for(entry, flight, self._found) if judges else None
        self.open: set[tuple[int, int]] = set()
        """Troubles of which the end is not recorded: whose, and since when."""
        self.cut_off: set[int] = set()
        """Since when it was cut off from the ground line, where the end of that is not recorded."""
        self.documents: set[bytes] = set()
        """The fingerprints of those that were recorded in a life before."""
        self.new = not stream.read(1)
        header = header_of(entry, flight)
        self.writer = Writer(stream, header) if self.new else Writer.resume(stream, header, self._take)
        self.heard_until_ns = self.writer.last_ns or flight.start_ns
        self._telling = True

    def _take(self, record: Record) -> None:
        """What was recorded in a life before. It may be much, and whoever waits for us must know."""
        self._read += 1
        if self._read % TELL_EVERY == 0:
            self._tell(("busy",))
        if time.monotonic() > self._limit_s:
            raise TooLong(self.result(), time_ns(record))
        match record:
            case HostTrouble():
                self.note(record.address, record.from_ns, record.until_ns)
            case LineDocument():
                self.documents.add(fingerprint(record.topic, record.payload))
            case LineGap(until_ns=None):
                self.cut_off.add(record.from_ns)
            case LineGap():
                self.cut_off.discard(record.from_ns)
        self.observe(record)

    def observe(self, record: Record) -> None:
        """The judge, if there is one, hears of a record."""
        if self.judge:
            observe(self.judge, self._name, record)

    def note(self, address: int, from_ns: int, until_ns: int | None) -> None:
        """A trouble begins, goes on, or is over."""
        if until_ns is None:
            self.open.add((address, from_ns))
        else:
            self.open.discard((address, from_ns))

    def result(self) -> Judgement:
        """What the judge has found so far."""
        return (self.judge.so_far(), self.judge.heard) if self.judge else ([], {})

    def _found(self, finding: Finding) -> None:
        if self._telling and finding.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
            self._tell(("finding", finding))


class _Listening:
    """A monitor and its connection."""

    def __init__(
        self,
        control: Control,
        client: Client,
        book: _Book,
        monitor: Monitor,
        entry: StationEntry,
        flight: Flight,
        line: LineStart | None,
    ):
        self._control, self._client, self._book, self._monitor = control, client, book, monitor
        self._entry, self._flight, self._line_start = entry, flight, line
        self._line: LineClient | None = None
        self._back: list[Cut] = []
        """Gaps in the ground line that a life before has left open, and when they end."""
        self.over = False
        self._heard = not book.new
        """Whether there is something behind it: then what comes next comes after a gap."""
        self._troubles: list[Trouble] = []
        self._unconfirmed: set[tuple[int, int]] = set()
        """Troubles that were not over when the hub was lost. Another hub may know nothing of them."""
        self._ends_ns: int | None = None
        self._quiet_since_s = 0.0

    @property
    def patience_ms(self) -> int:
        """How long to wait for somebody to say something."""
        return POLL_MS if self._ends_ns is None else round(LAST_WORDS_S * 250)

    def obey(self, words: tuple[Any, ...]) -> None:
        """Do what the director says."""
        match words:
            case ("tallies",):
                self._control.send(("tallies", *self._book.result()))
            case ("hello",):
                self._client.hello()
            case ("over", int(now_ns)):
                self._ends_ns, self._quiet_since_s = now_ns, time.monotonic()

    def turn(self) -> None:
        """Do what the hub's messages ask for."""
        while not self.over and (said := self._client.receive()) is not None:
            self._quiet_since_s = time.monotonic()
            self._do(said)
        if not self.over and self._ends_ns is not None and time.monotonic() - self._quiet_since_s > LAST_WORDS_S:
            if self._ends_ns > self._book.heard_until_ns:
                self._monitor.deaf(self._book.heard_until_ns, self._ends_ns)
            self._do(End(self._ends_ns, ""))

    def _do(self, said: FromHub) -> None:
        match said:
            case Welcome() if self._client.anew(said):
                self._come_to_the_line(said.now_ns)
                if self._heard or said.now_ns > self._book.heard_until_ns:
                    self._monitor.deaf(self._book.heard_until_ns, max(said.now_ns, self._book.heard_until_ns))
                self._heard, self._book.heard_until_ns = True, said.now_ns
                self._unconfirmed = set(self._book.open)
                self._client.send(self._monitor.begin(said.now_ns))
                self._client.done(said.now_ns)
            case Time():
                self._end_the_unconfirmed(said.from_ns)
                came = self._line.window(said.from_ns, said.until_ns) if self._line else []
                self._monitor.take(said.from_ns, said.receptions, self._troubles)
                self._troubles.clear()
                if self._line:
                    self._monitor.read(came, self._cuts(self._line, said.until_ns), said.until_ns)
                    if (mark := self._line.mark) is not None:
                        self._client.send([mark])
                self._book.heard_until_ns = said.until_ns
                self._client.send(self._monitor.switches(said.until_ns))
                self._client.done(said.until_ns)
            case Trouble():
                self._troubles.append(said)
                self._book.note(said.address, said.from_ns, said.until_ns)
                self._unconfirmed.discard((said.address, said.from_ns))
            case Marks(marks=marks) if self._line:
                self._line.keep_up(marks)
            case End(now_ns=now_ns):
                self._monitor.take(now_ns, (), self._troubles)
                self._monitor.close(now_ns)
                self.over = True
            case _:
                pass  # refused, too: the client asks again after a while

    def _end_the_unconfirmed(self, now_ns: int) -> None:
        """Trouble of which the hub says nothing when time goes on is over, or it would excuse all that is to come."""
        for address, from_ns in sorted(self._unconfirmed):
            self._troubles.append(Trouble(now_ns, address, from_ns, now_ns))
            self._book.note(address, from_ns, now_ns)
        self._unconfirmed.clear()

    def _come_to_the_line(self, now_ns: int) -> None:
        """It begins. On the line it goes on as it was when only the hub is another.

        What a life before had taken from the broker and not recorded yet is lost, and some of it was not due yet.
        """
        if self._line_start is None or self._line:
            return
        book = self._book
        if not book.new:
            self._back = [(since_ns, now_ns + DELAY_NS) for since_ns in sorted({*book.cut_off, book.heard_until_ns})]
            self._monitor.read((), [(book.heard_until_ns, None)], book.heard_until_ns)
        tallies = book.judge.so_far if book.judge else None
        self._line = LineClient(self._line_start, self._entry, self._flight, now_ns, tallies, book.documents)

    def _cuts(self, line: LineClient, until_ns: int) -> list[Cut]:
        """What it has learnt of gaps in the ground line until an instant."""
        over = [gap for gap in self._back if gap[1] is not None and gap[1] <= until_ns]
        self._back = [gap for gap in self._back if gap not in over]
        return [*over, *line.cuts(until_ns)]

    def leave_the_line(self) -> None:
        """Take leave of the others."""
        if self._line:
            self._line.close()
