"""The roll of those who take part: each one's receptions are numbered from 0 in each of its lives, without a hole."""

from radio.check_link_tools import ALPHA, BRAVO, CHARLIE, MS, START_NS, plan
from radio.envelope import Hello, Place, Transmit
from radio.hub import Hub


def joined(hub: Hub, address: int) -> None:
    hub.admit(Hello(address, True))
    hub.tell(address, Place(hub.now_ns, 35.0, 36.0 + (address & 0xF) / 100, 8_000.0))
    hub.done(address)


def numbers(hub: Hub, until_ms: int, *addresses: int) -> list[list[int]]:
    """What numbers the receptions of stations have until then, in windows that are cut short."""
    told: list[list[int]] = [[] for _ in addresses]
    while hub.now_ns < START_NS + until_ms * MS:
        opened = hub.next_window(min(hub.now_ns + 20 * MS, START_NS + until_ms * MS))
        for address, mine in zip(addresses, told, strict=True):
            mine += [got.number for got in opened.receptions(address)]
        hub.done(*hub.waiting_for())
    return told


def test_numbers_go_on_while_others_come_and_go_and_begin_anew_with_a_life() -> None:
    hub = Hub(plan(), lambda line: None)
    joined(hub, ALPHA)
    joined(hub, CHARLIE)
    for i in range(20):
        hub.tell(ALPHA, Transmit(START_NS + (60 + 30 * i) * MS, 1, 1, i, b"frame"))
    before = numbers(hub, 130, CHARLIE)[0]
    joined(hub, BRAVO)  # in the midst of a window
    bravo, charlie = numbers(hub, 330, BRAVO, CHARLIE)
    hub.leave(BRAVO)
    joined(hub, BRAVO)
    again, after = numbers(hub, 700, BRAVO, CHARLIE)
    assert before + charlie + after == list(range(20))
    assert bravo == list(range(len(bravo)))
    assert again == list(range(len(again)))
    assert bravo
    assert again
