"""Deliveries in arrays: they travel as the envelope says, and are cut where a window is cut."""

from itertools import pairwise

from hypothesis import given, strategies as st

from radio.delivery import EMPTY, deliver, of_one
from radio.envelope import Reception, pack_reception
from radio.medium import Channel, Equipment, Laws, Medium, Settled, Transmission

MS = 1_000_000
AIR = Channel(number=7, frequency_hz=1e9, bandwidth_hz=1e6, bit_rate_bps=1e6)


def settled(frames: int) -> Settled:
    medium = Medium([AIR], Laws(), seed=1)
    for address in (1, 2, 3):
        medium.join(Equipment(address=address), frozenset({7}), 0)
        medium.place(address, 0, (6.4e6, 5_000.0 * address, 0.0), (0.0, 0.0, 0.0), 9_000.0)
    for n in range(frames):
        medium.transmit(Transmission(1 + n % 2, 0, n, 7, (n + 1) * MS, bytes([n] * (1 + n % 30))))
    return medium.settle(1_000 * MS)


def test_everybody_gets_his_own_in_the_order_in_which_it_is_due() -> None:
    delivery = deliver(settled(10), {1: 100, 3: 0xFFFFFFFE})
    one, three = delivery.received(1).receptions(), delivery.received(3).receptions()
    assert [got.data[0] for got in one] == [1, 3, 5, 7, 9]
    assert [got.number for got in one] == [100, 101, 102, 103, 104]
    assert [got.data[0] for got in three] == list(range(10))
    assert [got.number for got in three] == [0xFFFFFFFE, 0xFFFFFFFF, *range(8)], "a number goes round"
    assert all(a.due_ns < b.due_ns for a, b in pairwise(three))
    assert len(delivery.received(2)) == 0, "it takes no part"
    assert delivery.received(2).receptions() == ()
    assert 2 not in delivery.packed()


def test_it_travels_as_the_envelope_says() -> None:
    delivery = deliver(settled(40), {1: 0, 2: 7, 3: 0xFFFFFFF0})
    for address in (1, 2, 3):
        assert delivery.packed()[address] == [pack_reception(*got) for got in delivery.received(address).receptions()]


@given(st.lists(st.integers(0, 50 * MS), max_size=5))
def test_cut_anywhere_nothing_is_lost_or_told_twice(cuts_ns: list[int]) -> None:
    whole = rest = deliver(settled(30), {1: 5, 2: 0, 3: 0})
    told: dict[int, list[Reception]] = {1: [], 2: [], 3: []}
    for cut_ns in (*sorted(cuts_ns), 1 << 60):
        due, rest = rest.until(cut_ns)
        for address in told:
            told[address] += due.received(address).receptions()
            assert all(got.due_ns >= cut_ns for got in rest.received(address).receptions())
    assert {address: tuple(got) for address, got in told.items()} == {
        address: whole.received(address).receptions() for address in told
    }


def test_who_is_gone_gets_nothing() -> None:
    delivery = deliver(settled(10), {1: 0, 3: 0})
    assert delivery.without(9) is delivery
    assert len(delivery.without(3).received(3)) == 0
    assert len(delivery.without(3).received(1)) == 5
    assert deliver(settled(0), {1: 0}) is EMPTY


def test_what_came_over_a_link_is_the_same() -> None:
    for address in (1, 3):
        receptions = deliver(settled(10), {1: 3, 3: 0}).received(address).receptions()
        assert of_one(receptions).receptions() == receptions
    assert of_one(()).receptions() == ()
