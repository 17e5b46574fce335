"""Stations that hear together have heard the same as each alone."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given, strategies as st

from nodes.backlog import Backlog
from nodes.stations.ledger import Ledger, Roster
from nodes.together import Look, hear_together
from protocol import codec
from protocol.messages import Frame, Message
from radio.delivery import Delivery
from radio.frames import Transmission
from tests.nodes.test_backlog import COLUMNS, MESSAGES, PEERS, frame, steps

STATIONS = (0x0A0001, 0x0A0002, 0x0A0003, 0x0A0004)
AHEAD_NS = (0, 7, -3, 400)

sent = st.tuples(
    st.sampled_from(PEERS),
    steps,
    st.integers(0, 30).map(lambda n: n == 0),
    st.sampled_from(MESSAGES),
    st.frozensets(st.sampled_from(STATIONS)),
)


def deliveries(told: Sequence[tuple[int, int, bool, Message, frozenset[int]]], cuts: Sequence[int]) -> list[Delivery]:
    """Frames of some peers, one a nanosecond, each received by some of the stations; cut into windows."""
    at, sessions = dict.fromkeys(PEERS, 40), dict.fromkeys(PEERS, 7)
    frames: list[tuple[Frame, frozenset[int]]] = []
    for source, step, anew, message, receivers in told:
        sessions[source] = (sessions[source] + (5 if anew else 0)) % 255
        at[source] += step
        frames.append((frame(source, sessions[source], at[source], message), receivers))
    bounds = sorted({0, *(c for c in cuts if c < len(frames)), len(frames)})
    places = {address: place for place, address in enumerate(STATIONS)}
    made = []
    for begin, end in pairwise(bounds):
        rows = sorted((places[a], i) for i, (_, who) in enumerate(frames[begin:end]) for a in who)
        place, number = (np.array([row[c] for row in rows], np.int64) for c in (0, 1))
        made.append(
            Delivery(
                [Transmission(f.source, 0, 0, 1, 0, codec.encode(f), None) for f, _ in frames[begin:end]],
                np.arange(begin, end),
                number,
                place,
                begin + number,
                np.zeros(len(rows), np.int32),
                places,
                np.bincount(place, minlength=len(places)).cumsum(),
                np.zeros(len(places), np.int64),
            )
        )
    return made


looks = st.lists(st.lists(st.integers(0, 90), min_size=4, max_size=4), max_size=8)


@given(st.lists(sent, min_size=1, max_size=90), st.lists(st.integers(0, 89), max_size=5), looks)
def test_all_have_heard_what_each_would_have_alone(
    told: list[tuple[int, int, bool, Message, frozenset[int]]], cuts: list[int], looks: list[list[int]]
) -> None:
    alone, together = (Backlog(Roster([*STATIONS, PEERS[0]])) for _ in range(2))
    readers = [[backlog.reader(address) for address in STATIONS] for backlog in (alone, together)]
    ledgers = [
        [Ledger(backlog.roster, lambda address: address == PEERS[0]) for _ in STATIONS] for backlog in (alone, together)
    ]
    for delivery, at_ns in zip(deliveries(told, cuts), [*looks, *[[1000] * 4] * 6], strict=False):
        alone.take(delivery)
        together.take(delivery)
        until_ns = int(delivery.due_ns[-1]) + 1
        near = [
            Look(at, reader, ledger, ahead)
            for at, reader, ledger, ahead in zip(at_ns, readers[1], ledgers[1], AHEAD_NS, strict=True)
        ]
        hear_together([*near[:2], None, *near[2:]], together, until_ns)
        for at, reader, ledger, ahead in zip(at_ns, readers[0], ledgers[0], AHEAD_NS, strict=True):
            entered = at < until_ns and sum(other < until_ns for other in at_ns) > 1
            if entered and (block := reader.until(at)) is not None:
                ledger.overhear(block._replace(heard_ns=block.heard_ns + ahead))
        assert [r.next for r in readers[0]] == [r.next for r in readers[1]]
        for one, other in zip(*ledgers, strict=True):
            for peer in PEERS:  # both have rows for everybody now
                one.row(peer), other.row(peer)
            for name in COLUMNS:
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
