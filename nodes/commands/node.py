"""`airaccord node`: one of our stations as a process of its own, for a hub that somebody else runs."""

import secrets
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
import zmq

from nodes import report as reports
from nodes.commands.flying import ScenarioFile, Seed, interruptible, load_flight
from nodes.commands.run import endpoint_of
from nodes.flight import Flight
from nodes.live.client import Client
from nodes.live.director import INTERRUPTED, OVER
from nodes.live.ground_line import BROKER_S
from nodes.live.line_client import LineStart, reach
from nodes.live.station_process import Flying
from nodes.node import StationFault
from nodes.problems import ConfigurationError, Problem
from nodes.scenario import StationEntry
from radio.broker_address import LineError
from radio.envelope import NO_KEY, Bye

POLL_MS = 200


class HubGone(Exception):
    """The hub that the station had joined has not said a word for long."""


def node(
    scenario: ScenarioFile,
    station: Annotated[str, typer.Argument(help="Its call sign or its address.", show_default=False)],
    hub: Annotated[str, typer.Option(help="Where the hub listens.")] = "127.0.0.1:5555",
    seed: Seed = None,
    wait: Annotated[
        float, typer.Option(help="How many seconds to wait for a hub that says nothing.", min=0.1, max=86_400)
    ] = 60.0,
    broker: Annotated[
        str | None, typer.Option(help="The ground line's broker, for a headquarters; `airaccord hub` tells which.")
    ] = None,
) -> None:
    """Fly one station of a scenario, with the hub of `airaccord hub`, or of a `run` that waits for it as external.

    Example: airaccord node configs/scenarios/encounter-2015.toml "SOKOL 1" --hub 127.0.0.1:5555
    """
    flight = load_flight(scenario, None)
    entry = _entry(flight, station, scenario)
    endpoint = endpoint_of("--hub", hub)
    if endpoint.endswith(":0"):
        raise ConfigurationError([Problem("--hub", "", "", f"{hub!r}: a hub listens on a port of its own, never on 0")])
    line = _line(flight, entry, broker)
    context = zmq.Context()
    try:
        client = Client(context, endpoint, entry.address, NO_KEY)
        flying = Flying(entry, flight, flight.scenario.seed if seed is None else seed, client, line)
        with interruptible() as interrupted:
            try:
                _fly(flying, interrupted, endpoint, wait)
            finally:
                flying.leave_the_line()
        if interrupted:
            client.send([Bye()])
            raise typer.Exit(reports.INTERRUPTED)
        if flying.why_over != OVER:
            print(f"airaccord: {entry.call_sign}: the run has ended early: {flying.why_over}", file=sys.stderr)
            raise typer.Exit(reports.OK if flying.why_over == INTERRUPTED else reports.BROKEN)
    except (StationFault, HubGone) as error:
        print(f"airaccord: {error}", file=sys.stderr)
        raise typer.Exit(reports.BROKEN) from None
    finally:
        context.destroy(linger=200)


def _entry(flight: Flight, station: str, path: Path) -> StationEntry:
    """The station that is to be flown. Raises ConfigurationError."""
    entry = next((s for s in flight.stations if station in (s.call_sign, f"{s.address:06x}")), None)
    if entry is None:
        signs = ", ".join(s.call_sign for s in flight.stations if s.role != "monitor")
        wrong = f"nobody is called so; there are {signs}"
    elif entry.role == "monitor":
        wrong = "is a monitor, which the hub starts"
    elif entry.address not in flight.motions:
        wrong = "has no waypoints: nobody knows its way"
    else:
        return entry
    raise ConfigurationError([Problem(str(path), "station", repr(station), wrong)])


def _line(flight: Flight, entry: StationEntry, broker: str | None) -> LineStart | None:
    """The ground line of a headquarters. Raises ConfigurationError if there is no way onto it."""
    if flight.line is None or entry.address not in flight.line.clients:
        if broker is not None:
            expected = f"{entry.call_sign} is no headquarters on a ground line: leave it out"
            raise ConfigurationError([Problem("--broker", broker, "", expected)])
        return None
    url = broker or flight.line.entry.broker
    if url is None:
        expected = f"{entry.call_sign} is a headquarters: name the broker of its ground line, which `hub` tells"
        raise ConfigurationError([Problem("--broker", "", "", expected)])
    try:
        reach(url, flight, BROKER_S).close(0.0, forget=True)
    except LineError as error:
        raise ConfigurationError([Problem("the ground line", "", "", str(error))]) from None
    return LineStart(url, secrets.token_hex(8))


def _fly(flying: Flying, interrupted: list[int], endpoint: str, wait_s: float) -> None:
    """Until the run is over. Raises ConfigurationError if there is no hub, or it will not have the station; HubGone."""
    sign = flying.entry.call_sign
    print(f"airaccord: {sign} is looking for the hub at {endpoint}", file=sys.stderr, flush=True)
    over = False
    while not over and not interrupted:
        flying.client.socket.poll(POLL_MS)
        over = flying.turn()
        if flying.refused is not None and flying.client.life is None:
            raise ConfigurationError([Problem(endpoint, "", "", f"refuses {sign}: {flying.refused}")])
        if time.monotonic() - flying.client.last_word_s > wait_s:
            if flying.client.life is not None:
                raise HubGone(f"{sign}: no word from the hub at {endpoint} for {wait_s:g} s (--wait): it is gone")
            expected = f"no hub answers at {endpoint} after {wait_s:g} s (--wait): start `airaccord hub` there"
            raise ConfigurationError([Problem("--hub", "", "", expected)])
