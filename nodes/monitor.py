"""A monitor: what it receives becomes a record, and every record an observation for its judge.

A run and a later `check` go the same way from the record on, so both give the same verdicts.
"""

from heapq import heappop, heappush
from typing import BinaryIO, NamedTuple

from protocol import codec
from protocol.accounts import Heard
from protocol.agreement import Agreement, Annexes, canonical_json
from protocol.errors import DecodeError
from protocol.judge import Judge
from radio.recording import HearingGap, Reception, Record, Writer

CLOCK_BOUND_NS = 1_000_000
"""How good a monitor's clock is; the emulated ones stay inside it."""


def header_text(agreement: Agreement, annexes: Annexes, monitor: str, party: str | None, start_ns: int) -> str:
    """What a recording says about itself: the agreement's digest, the annexes in force, whose it is, when it began."""
    return canonical_json(
        {
            "agreement": agreement.digest(),
            "annexes": annexes.to_json(),
            "monitor": monitor,
            "party": party,
            "start_ns": start_ns,
        }
    )


def observe(judge: Judge, monitor: str, record: Record) -> None:
    """Give one record to a judge. Bytes that are no frame are counted by nobody yet: they prove nothing."""
    if isinstance(record, HearingGap):
        judge.hearing_gap(record.from_ns, record.until_ns)
        return
    try:
        frame = codec.decode(record.frame)
    except DecodeError:
        return
    name = f"{monitor}#{record.number}"
    heard = Heard(name, record.arrival_ns, record.channel, frame, len(record.frame), record.clock_bound_ns)
    judge.hear(heard)


class Place(NamedTuple):
    """Where a monitor's antenna is."""

    latitude_e7: int
    longitude_e7: int
    height_cm: int


class Monitor:
    """Records, and judges if it has a judge.

    Frames may come a little out of order (a long one ends late): they wait until `flush`.
    """

    def __init__(
        self,
        name: str,
        place: Place,
        tuned: frozenset[int],
        stream: BinaryIO,
        header: str,
        judge: Judge | None,
    ):
        self.name, self.judge = name, judge
        self._place, self._tuned = place, tuple(sorted(tuned))
        self._writer = Writer(stream, header)
        self._last_ns = 0
        self._waiting: list[tuple[int, int, int, int, bytes]] = []

    def receive(self, arrival_ns: int, channel: int, power_tenths_dbm: int, frame: bytes) -> None:
        """A frame was received; it is recorded when nothing can arrive before it any more."""
        heappush(self._waiting, (arrival_ns, channel, len(self._waiting), power_tenths_dbm, frame))

    def flush(self, before_ns: int) -> None:
        """Record and judge everything that arrived before an instant."""
        while self._waiting and self._waiting[0][0] < before_ns:
            arrival_ns, channel, _, power, frame = heappop(self._waiting)
            record: Reception = self._writer.reception(
                arrival_ns=arrival_ns,
                channel=channel,
                latitude_e7=self._place.latitude_e7,
                longitude_e7=self._place.longitude_e7,
                height_cm=self._place.height_cm,
                power_tenths_dbm=power,
                clock_bound_ns=CLOCK_BOUND_NS,
                tuned=self._tuned,
                frame=frame,
            )
            self._last_ns = arrival_ns
            if self.judge:
                observe(self.judge, self.name, record)

    def close(self, end_ns: int) -> None:
        """The run ends: record what is left, and the end itself."""
        self.flush(1 << 63)
        end_ns = max(end_ns, self._last_ns)  # its own clock may be a little ahead
        self._writer.close(end_ns)
        if self.judge:
            self.judge.close(end_ns)
