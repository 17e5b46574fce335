"""What is heard together comes to the same as what is heard one by one, however it is cut."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from nodes import ears
from nodes.backlog import Backlog
from nodes.ears import Ears
from nodes.stations.ledger import Ledger, Overheard, Roster
from protocol import codec
from protocol.messages import Ack, Frame, Hail, Message, MessageType, Phrase, Position, Result, Watch
from radio.delivery import Delivery, of_one
from radio.envelope import Reception

ME, OTHER = 0x0A0001, 0x0A0002
PEERS = (0x0B0001, 0x0B0002, 0x0B0003)
COLUMNS = ("address", "opposed", "last", "earlier", "heard_ns", "place", "life")

WATCH = Watch(frozenset({1}), 0, 0, 0)
MESSAGES: Sequence[Message] = (
    WATCH,
    Position(),
    Position(35.5, 36.5),
    Position(latitude_deg=-10.0, airborne=False),
    Hail(OTHER, Phrase.CONTACT, 1, 10, 1),
    Ack(OTHER, 0, 0, MessageType.HAIL, Result.ROGER),
)


def frame(source: int, session: int, sequence: int, message: Message) -> Frame:
    return Frame(source, session, sequence & 0xFFFF, 1, 0, 3, 0, message)


steps = st.one_of(st.just(1), st.integers(1, 3), st.integers(-2, 40), st.integers(0x7FF0, 0x8010), st.just(1 << 15))
heard = st.tuples(st.sampled_from(PEERS), steps, st.integers(0, 60).map(lambda n: n == 0), st.sampled_from(MESSAGES))


def frames_of(told: Sequence[tuple[int, int, bool, Message]], first: int) -> list[Frame]:
    """Frames of some peers: each so much further than the one before, or in another session."""
    at = dict.fromkeys(PEERS, first)
    sessions = dict.fromkeys(PEERS, 7)
    frames = []
    for source, step, anew, message in told:
        sessions[source] = (sessions[source] + (5 if anew else 0)) % 255
        at[source] += step
        frames.append(frame(source, sessions[source], at[source], message))
    return frames


def delivery_of(frames: Sequence[Frame | None], from_ns: int) -> Delivery:
    datas = [b"no frame" if f is None else codec.encode(f) for f in frames]
    return of_one([Reception(from_ns + i, from_ns + i, 0, 1, -700, data) for i, data in enumerate(datas)], ME).delivery


def ledger(roster: Roster) -> Ledger:
    return Ledger(roster, lambda address: address == PEERS[0])


def same(one: Ledger, other: Ledger) -> None:
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


def overheard(frames: Sequence[Frame], cuts: Sequence[int], looks: Sequence[int]) -> Ledger:
    """A ledger of what is delivered in parts that begin at `cuts`, and heard up to `looks`."""
    backlog = Backlog(Roster([ME, *PEERS]))
    mine, own = Ears(ME, backlog), ledger(backlog.roster)
    parts = [*sorted({0, *cuts, len(frames)})]
    for begin, end in pairwise(parts):
        backlog.take(delivery_of(frames[begin:end], begin))
        for look_ns in sorted(looks):
            if begin <= look_ns < end and (block := mine.overheard(look_ns)) is not None:
                own.overhear(block)
    if (block := mine.overheard(len(frames))) is not None:
        own.overhear(block)
    return own


@given(
    st.lists(heard, min_size=1, max_size=120),
    st.sampled_from([0, 100, 65_500]),
    st.lists(st.integers(0, 119), max_size=4),
    st.lists(st.integers(0, 119), max_size=6),
)
@example([(PEERS[0], 1, False, WATCH)] * 80, 65_500, [], [10])
@example([(PEERS[0], step, False, WATCH) for step in (1, 5, -3, 1, 1, 1, 33, 32, 0x7FFF, 0x8000, 0, 1)], 5, [], [2])
def test_many_together_come_to_the_same_as_one_by_one(
    told: list[tuple[int, int, bool, Message]], first: int, cuts: list[int], looks: list[int]
) -> None:
    frames = frames_of(told, first)
    one_by_one = ledger(Roster([ME, *PEERS]))
    for now_ns, heard_now in enumerate(frames):
        one_by_one.hear(heard_now, now_ns)
    same(one_by_one, overheard(frames, [c for c in cuts if c < len(frames)], looks))


def test_a_strangers_row_is_made_when_it_is_heard() -> None:
    roster = Roster([ME])
    own = ledger(roster)
    row = own.hear(frame(PEERS[1], 1, 5, Position(35.5, 36.5)), 9)
    assert (roster.addresses[row], own.heard_ns[row], own.life[row]) == (PEERS[1], 9, 1)
    assert own.report(PEERS[1])[:3] == (PEERS[1], 1, 5)
    empty = np.zeros(0, np.int64)
    roster.number(PEERS[2])
    own.overhear(Overheard(empty, empty, empty, empty, empty.astype(complex), []))
    assert len(own.address) == 3


def test_calls_are_for_whom_they_call_and_nonsense_is_for_nobody() -> None:
    backlog = Backlog(Roster())
    mine, theirs = Ears(ME, backlog), Ears(OTHER, None)
    frames = [frame(PEERS[0], 1, i, Hail(address, Phrase.CONTACT, 1, 10, 1)) for i, address in enumerate((ME, OTHER))]
    delivery = delivery_of([*frames, None], 100)
    meaning = backlog.take(delivery)
    for one in (mine, theirs):
        one.take(delivery.received(ME), meaning)
    assert mine.next_call_ns == 100
    assert mine.call().hearing.frame == frames[0]
    assert mine.next_call_ns is None
    assert [theirs.call().hearing.frame for _ in range(2)] == frames, "who is attentive hears everything"
    assert theirs.next_call_ns is None
    block = mine.overheard(1 << 40)
    assert block is not None
    assert block.heard_ns.tolist() == [101]
    assert theirs.overheard(1 << 40) is None


def test_what_everybody_has_heard_is_dropped_and_the_rest_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ears, "FAR_BEHIND", 2_000)
    backlog = Backlog(Roster())
    slow, gone = Ears(ME, backlog), Ears(OTHER, backlog)
    for i in range(3_000):
        backlog.take(delivery_of([frame(PEERS[0], 1, i, WATCH)], i))
    assert slow.far_behind
    assert len(backlog._key) == 4_096
    block = slow.overheard(2_899)
    assert block is not None
    assert block.heard_ns.tolist() == list(range(2_900))
    assert not slow.far_behind
    assert gone.overheard(1 << 40) is None, "it has received nothing"
    late = Ears(PEERS[1], backlog)
    for i in range(3_000, 10_000):
        backlog.take(delivery_of([frame(PEERS[0], 1, i, WATCH)], i))
        if i % 100 == 0:
            block = slow.overheard(i)
            gone.overheard(i)
            late.overheard(i)
    assert block is not None
    assert block.heard_ns.tolist() == list(range(9_801, 9_901))
    assert len(backlog._key) == 4_096
