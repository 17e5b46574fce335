"""Hub deliveries per second against a bare pyzmq ROUTER that fans the same frames out to as many peers, in one run.

By hand: python -m benchmarks.hub [--peers 50]. A delivery is one frame received by one peer. Both sides have the same
peers: sockets in one process of their own, which count and take nothing apart. The bare ROUTER sends a message for each
delivery, and does nothing else. The hub evaluates the medium for every receiver, writes the truth, sends each station
its window, and waits until every station is done with it. The more frames in a window, the less that waiting weighs.
"""

import argparse
import multiprocessing
import os
import statistics
import struct
import tempfile
import time
from multiprocessing.connection import Connection

import zmq

from radio import envelope
from radio.envelope import Done, Hello, Place, Transmit
from radio.hub import WINDOW_NS, Berth, Hub, Plan
from radio.hub_server import HubServer
from radio.medium import Channel, Equipment

FRAME = bytes(56)
TIME = struct.Struct(">BBqqH")
FRAMES = (5, 20, 40)
"""In a window of 50 ms: 100, 400 and 800 a second."""
ROUNDS = 5


def plan(peers: int, windows: int) -> Plan:
    """Stations close together on as many channels as keep their frames apart."""
    channels = tuple(
        Channel(number=n, frequency_hz=130e6 + n * 1e6, bandwidth_hz=1e6, bit_rate_bps=1e6) for n in range(4)
    )
    berth = {a: Berth(equipment=Equipment(address=a), tuned=frozenset(range(4))) for a in range(1, peers + 1)}
    return Plan(channels=channels, seed=1, start_ns=0, end_ns=windows * WINDOW_NS, berths=berth)


def hub_side(control: Connection, peers: int, windows: int) -> None:
    """The hub, in a process of its own."""
    with tempfile.TemporaryFile("w") as truth:
        server = HubServer(Hub(plan(peers, windows), truth.write), "tcp://127.0.0.1:0", paced=False)
        control.send(server.endpoint)
        server.serve(control)


def hub_peers(control: Connection, endpoint: str, peers: int, frames: int) -> None:
    """All stations of the hub: those whose turn it is send a frame each, everybody counts what it hears."""
    context = zmq.Context()
    sockets = {a: context.socket(zmq.DEALER) for a in range(1, peers + 1)}
    poller = zmq.Poller()
    address_of = {}
    for address, socket in sockets.items():
        socket.connect(endpoint)
        poller.register(socket, zmq.POLLIN)
        address_of[socket] = address
        socket.send(envelope.pack(Hello(address, granted=True)))
        assert isinstance(envelope.unpack_from_hub(socket.recv()), envelope.Welcome)
        socket.send(envelope.pack(Place(0, 35.0, 36.0 + address / 1000, 9000.0)))
        socket.send(envelope.pack(Done(0)))
    control.send("ready")
    received = sequence = 0
    done_ns, done = 0, b""  # the same for all
    while peers:
        for socket, _ in poller.poll():
            data = socket.recv()
            if data[1] == ord("E"):
                poller.unregister(socket)
                peers -= 1
            elif data[1] == ord("G"):
                # counted, and not taken apart: the bare peers do no more
                _, _, from_ns, until_ns, count = TIME.unpack_from(data)
                received += count
                mine = (address_of[socket] - 1 - from_ns // WINDOW_NS * frames) % len(sockets)
                if mine < frames:
                    sequence += 1
                    start_ns = until_ns + WINDOW_NS + mine * (WINDOW_NS // frames)
                    socket.send(envelope.pack(Transmit(start_ns, mine % 4, 0, sequence, FRAME)))
                if until_ns != done_ns:
                    done_ns, done = until_ns, envelope.pack(Done(until_ns))
                socket.send(done)
    context.destroy(linger=0)
    control.send(received)


def bare_side(control: Connection, peers: int, deliveries: int) -> None:
    """A ROUTER that sends each frame to every peer, and nothing else."""
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)
    router.bind("tcp://127.0.0.1:0")
    control.send(router.getsockopt_string(zmq.LAST_ENDPOINT))
    identities = [router.recv_multipart()[0] for _ in range(peers)]
    control.recv()
    for _ in range(deliveries // peers):
        for identity in identities:
            router.send_multipart([identity, FRAME])
    for identity in identities:
        router.send_multipart([identity, b""])
    control.recv()
    context.destroy(linger=0)


def bare_peers(control: Connection, endpoint: str, peers: int) -> None:
    """All peers of the bare ROUTER: they count what they hear."""
    context = zmq.Context()
    poller = zmq.Poller()
    for _ in range(peers):
        socket = context.socket(zmq.DEALER)
        socket.connect(endpoint)
        socket.send(b"here")
        poller.register(socket, zmq.POLLIN)
    control.send("ready")
    received = 0
    while peers:
        for socket, _ in poller.poll():
            if socket.recv():
                received += 1
            else:
                poller.unregister(socket)
                peers -= 1
    context.destroy(linger=0)
    control.send(received)


def measure_hub(peers: int, frames: int, windows: int) -> float:
    """Deliveries per second."""
    control, theirs = multiprocessing.Pipe()
    mine, others = multiprocessing.Pipe()
    hub = multiprocessing.Process(target=hub_side, args=(theirs, peers, windows))
    hub.start()
    stations = multiprocessing.Process(target=hub_peers, args=(others, control.recv(), peers, frames))
    stations.start()
    mine.recv()
    begun_s = time.perf_counter()
    control.send(("go", windows * WINDOW_NS))
    while control.recv()[0] != "reached":
        pass
    elapsed_s = time.perf_counter() - begun_s
    control.send(("stop", "over"))
    received: int = mine.recv()
    hub.join()
    stations.join()
    return received / elapsed_s


def measure_bare(peers: int, deliveries: int) -> float:
    """Deliveries per second."""
    control, theirs = multiprocessing.Pipe()
    mine, others = multiprocessing.Pipe()
    router = multiprocessing.Process(target=bare_side, args=(theirs, peers, deliveries))
    router.start()
    stations = multiprocessing.Process(target=bare_peers, args=(others, control.recv(), peers))
    stations.start()
    mine.recv()
    begun_s = time.perf_counter()
    control.send("go")
    received: int = mine.recv()
    elapsed_s = time.perf_counter() - begun_s
    control.send("over")
    router.join()
    stations.join()
    return received / elapsed_s


def main() -> None:
    """Measure both in turn, and print the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", type=int, default=50)
    parser.add_argument("--windows", type=int, default=200)
    options = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    print(f"{options.peers} peers, {os.cpu_count()} CPUs; deliveries per second, medians of {ROUNDS}")
    print("frames in a window        hub   bare ROUTER   ratio")
    for frames in FRAMES:
        rounds = []
        for _ in range(ROUNDS):
            bare = measure_bare(options.peers, frames * options.windows * (options.peers - 1))
            rounds.append((measure_hub(options.peers, frames, options.windows), bare))
        ratio = statistics.median(hub / bare for hub, bare in rounds)
        hub, bare = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{frames:18} {hub:10,.0f}    {bare:10,.0f}    {ratio:.2f}")


if __name__ == "__main__":
    main()
