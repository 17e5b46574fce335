"""The chain of a recording's records, which says which of them to trust, and what is told of those that cannot be.

Each record carries a link to the one before (`radio.record_layout.link`). Pure: records in, records and damage out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from radio.record_layout import LINK, BadRecord, Closing, Entry, Record, link, time_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something in a recording that is not as its writer left it.

    `offset` is where in the file, in bytes; `number` is the record it concerns, if that is known, by its place in the
    file where the record itself cannot be read.
    """

    offset: int
    number: int | None
    what: str


class _Candidate(NamedTuple):
    """What the next record has to confirm: a record, or the header (None)."""

    offset: int
    record: Record | None
    link: bytes


class Chain:
    """Admits the records of one file, in its order: each one when the record after it carries its link.

    A link is 128 bits, so one that agrees confirms even out of a record that is itself damaged.
    """

    def __init__(self, header: bytes) -> None:
        self.end_ns: int | None = None
        self._candidate: _Candidate | None = _Candidate(0, None, link(header))
        self._standing = 0  # records that the file holds so far, whole or not
        self._expected = 0  # the number that the next record should have
        self._last_number = -1
        self._last_ns = 0

    def take(self, offset: int, packet: bytes, entry: Entry | BadRecord) -> Iterator[Record | Damage]:
        """Take the next record, decoded or refused; return what it settles about the one before, and its own damage."""
        yield from self._settle(packet[LINK])
        standing, expected = self._standing, self._expected
        self._standing += 1
        match entry:
            case BadRecord():
                self._expected += 1
                yield Damage(offset=offset, number=expected, what=f"The record {entry}; it is left out.")
            case Closing():
                if entry.number != standing:
                    what = f"The closing record counts {entry.number} records, but {standing} stand before it."
                    yield Damage(offset=offset, number=entry.number, what=what)
                if entry.end_ns < self._last_ns:
                    what = "The closing record ends before the last record begins; it is left out."
                    yield Damage(offset=offset, number=entry.number, what=what)
                else:
                    self.end_ns = entry.end_ns
            case _:
                self._candidate = _Candidate(offset, entry, link(packet))
                self._expected = entry.number + 1
                if entry.number != expected:
                    what = f"Record {entry.number} stands where record {expected} belongs."
                    yield Damage(offset=offset, number=entry.number, what=what)

    def cut(self, offset: int) -> Damage:
        """The file ends at this offset, and no closing record has come."""
        if self._candidate is None or self._candidate.record is None:
            return Damage(offset=offset, number=None, what="There is no closing record.")
        what = "There is no closing record: this last record is confirmed by nothing and left out."
        return Damage(offset=self._candidate.offset, number=self._candidate.record.number, what=what)

    def _settle(self, confirmed: bytes) -> Iterator[Record | Damage]:
        """Admit the candidate or leave it out, now that the link in the record after it is known."""
        candidate, self._candidate = self._candidate, None
        if candidate is None:
            return
        offset, record, expected = candidate
        if record is None:
            if confirmed != expected:
                yield Damage(offset=offset, number=None, what="The first record does not follow this header.")
        elif confirmed != expected:
            what = "The record that follows does not confirm this one; it is left out."
            yield Damage(offset=offset, number=record.number, what=what)
        elif record.number <= self._last_number:
            what = f"Its number does not rise above {self._last_number}; it is left out."
            yield Damage(offset=offset, number=record.number, what=what)
        elif time_ns(record) < self._last_ns:
            what = f"It is {self._last_ns - time_ns(record)} ns earlier than the record before; it is left out."
            yield Damage(offset=offset, number=record.number, what=what)
        else:
            self._last_number, self._last_ns = record.number, time_ns(record)
            yield record
