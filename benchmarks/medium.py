"""How many outcomes (frame x receiver) the medium settles in a second of processor time. Run by hand:

python -m benchmarks.medium
"""

from random import Random
from time import process_time

from radio.geodesy import ecef_m
from radio.medium import Channel, Equipment, Medium, Outcome, Transmission

SECOND_NS = 1_000_000_000
DURATION_S = 60
WINDOW_NS = 50_000_000
CHANNEL = Channel(number=1, frequency_hz=1e9, bandwidth_hz=1e6, bit_rate_bps=1e6)


def measure(stations: int) -> None:
    """Each station is placed and sends 40 bytes once a second, at an instant of its own; all are in range."""
    random = Random(1)
    medium = Medium([CHANNEL], seed=1, loss=0.1)
    places = [(random.uniform(35.0, 35.4), random.uniform(36.0, 36.4), 9000.0) for _ in range(stations)]
    positions_m = [ecef_m(*place) for place in places]
    offsets_ns = [random.randrange(SECOND_NS) for _ in range(stations)]
    outcomes = received = frames = 0
    begin = process_time()
    for address in range(stations):
        medium.join(Equipment(address=address), frozenset({1}), 0)
    for second in range(DURATION_S):
        for address in range(stations):
            at_ns = second * SECOND_NS
            medium.place(address, at_ns, positions_m[address], (200.0, 0.0, 0.0), 9000.0)
            medium.transmit(Transmission(address, 0, second, 1, at_ns + offsets_ns[address], bytes(40)))
        for horizon_ns in range(second * SECOND_NS + WINDOW_NS, (second + 1) * SECOND_NS + 1, WINDOW_NS):
            for fate in medium.settle(horizon_ns):
                frames += 1
                outcomes += len(fate.outcomes)
                received += fate.outcomes.count(Outcome.RECEIVED)
    spent_s = process_time() - begin
    print(
        f"{stations:4} stations: {outcomes / spent_s:12,.0f} outcomes per CPU-second, "
        f"{spent_s / frames * 1e6:6.1f} us a transmission, {received / outcomes:.1%} received"
    )


if __name__ == "__main__":
    for number in (50, 100, 200):
        measure(number)
