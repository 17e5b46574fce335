"""The ground line against bare aiomqtt, on the embedded amqtt and on Mosquitto, in one run: round trip and throughput.

By hand: python -m benchmarks.line [--documents 2000] [--rounds 5]; needs the extra `broker` and mosquitto. Two clients
in one process, both subscribed to everything, QoS 1, TCP_NODELAY, a document of 400 bytes. Round trip: one publishes,
the other gets it and publishes an answer, the first gets that. Throughput: one publishes up to 100 ahead of the
broker's acknowledgements, until the other has all. Bare aiomqtt runs in one event loop, keeps no session, publishes
nothing again and acknowledges by itself; ours are two threads with a loop each and the thread that polls them.
"""

import argparse
import asyncio
import os
import select
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import aiomqtt

from radio.broker import Broker
from radio.line_mqtt import LineMqtt
from radio.line_session import NODELAY, WINDOW
from tests.radio.line_brokers import Mosquitto

PAYLOAD = bytes(400)
PREFIX = "benchmark/v1"


class Measured(NamedTuple):
    """Milliseconds for a round trip, and documents a second."""

    round_trip_ms: float
    throughput: float


def next_of(line: LineMqtt, topic: str) -> None:
    """Wait for one document of a topic."""
    while True:
        while (delivered := line.receive()) is not None:
            if delivered.topic == topic:
                return
        select.select([line], [], [])


def ours(url: str, documents: int, trips: int) -> Measured:
    """By `radio.line_mqtt`."""
    blue, red = (LineMqtt(url, name, prefix=PREFIX) for name in ("blue", "red"))
    blue.connect()
    red.connect()
    ask, answer, many = f"{PREFIX}/ask", f"{PREFIX}/answer", f"{PREFIX}/many"
    begun_s = time.perf_counter()
    for _ in range(trips):
        blue.publish(ask, PAYLOAD)
        next_of(red, ask)
        red.publish(answer, PAYLOAD)
        next_of(blue, answer)
    trip_ms = (time.perf_counter() - begun_s) / trips * 1e3
    begun_s = time.perf_counter()
    for _ in range(documents):
        blue.publish(many, PAYLOAD)
    for _ in range(documents):
        next_of(red, many)
        while blue.receive() is not None:
            pass
    throughput = documents / (time.perf_counter() - begun_s)
    for line in (blue, red):
        line.close(forget=True)
    return Measured(trip_ms, throughput)


async def bare(url: str, documents: int, trips: int) -> Measured:
    """By aiomqtt alone."""
    port = int(url.rpartition(":")[2])
    made = [
        aiomqtt.Client("127.0.0.1", port, identifier=name, socket_options=NODELAY, max_inflight_messages=WINDOW)
        for name in ("bare-blue", "bare-red")
    ]
    ask, answer, many = f"{PREFIX}/ask", f"{PREFIX}/answer", f"{PREFIX}/many"
    async with made[0] as blue, made[1] as red:
        for client in made:
            client.pending_calls_threshold = WINDOW + 1
            await client.subscribe(f"{PREFIX}/#", qos=1)

        async def next_of(client: aiomqtt.Client, topic: str) -> None:
            async for message in client.messages:
                if str(message.topic) == topic:
                    return

        begun_s = time.perf_counter()
        for _ in range(trips):
            await blue.publish(ask, PAYLOAD, 1)
            await next_of(red, ask)
            await red.publish(answer, PAYLOAD, 1)
            await next_of(blue, answer)
        trip_ms = (time.perf_counter() - begun_s) / trips * 1e3
        room = asyncio.Semaphore(WINDOW)

        async def publish() -> None:
            async with room:
                await blue.publish(many, PAYLOAD, 1)

        async def read(client: aiomqtt.Client) -> None:
            for _ in range(documents):
                await next_of(client, many)

        begun_s = time.perf_counter()
        await asyncio.gather(read(red), read(blue), *(publish() for _ in range(documents)))
        return Measured(trip_ms, documents / (time.perf_counter() - begun_s))


@contextmanager
def embedded() -> Iterator[str]:
    """The URL of our amqtt."""
    with Broker() as broker:
        yield broker.url


@contextmanager
def mosquitto() -> Iterator[str]:
    """The URL of Mosquitto with the configuration that we ship."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") or "mosquitto"
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(program, Path(folder))
        broker.start()
        try:
            yield broker.url
        finally:
            broker.kill()


def main() -> None:
    """Measure both clients in turn on each broker, and print medians and their ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=2_000)
    parser.add_argument("--trips", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{os.cpu_count()} CPUs; medians of {options.rounds}: ours, bare aiomqtt, median of ours / bare")
    for name, broker in (("amqtt", embedded), ("Mosquitto", mosquitto)):
        rounds = []
        with broker() as url:
            for _ in range(options.rounds):
                without = asyncio.run(bare(url, options.documents, options.trips))
                rounds.append((ours(url, options.documents, options.trips), without))
        for what in Measured._fields:
            mine, other = ([getattr(m, what) for m in column] for column in zip(*rounds, strict=True))
            ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
            a, b = statistics.median(mine), statistics.median(other)
            print(f"{name:10} {what:14} {a:10,.2f} {b:10,.2f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
