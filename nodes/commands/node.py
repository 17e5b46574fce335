"""`airaccord node`: one of our stations as a process of its own, for a hub that somebody else runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer
import zmq

from nodes import report as reports
from nodes.commands.flying import ScenarioFile, Seed, interruptible, load_flight
from nodes.commands.run import endpoint_of
from nodes.flight import Flight
from nodes.live.client import Client
from nodes.live.station_process import Flying
from nodes.node import StationFault
from nodes.problems import ConfigurationError, Problem
from nodes.scenario import StationEntry
from radio.envelope import NO_KEY, Bye

POLL_MS = 200


def node(
    scenario: ScenarioFile,
    station: Annotated[str, typer.Argument(help="Its call sign or its address.", show_default=False)],
    hub: Annotated[str, typer.Option(help="Where the hub listens.")] = "127.0.0.1:5555",
    seed: Seed = None,
) -> None:
    """Fly one station of a scenario, with the hub of `airaccord hub`, or of a `run` that waits for it as external.

    Example: airaccord node configs/scenarios/encounter-2015.toml "SOKOL 1" --hub 127.0.0.1:5555
    """
    flight = load_flight(scenario, None)
    entry = _entry(flight, station, scenario)
    endpoint = endpoint_of("--hub", hub)
    if endpoint.endswith(":0"):
        raise ConfigurationError([Problem("--hub", "", "", f"{hub!r}: a hub listens on a port of its own, never on 0")])
    context = zmq.Context()
    try:
        client = Client(context, endpoint, entry.address, NO_KEY)
        flying = Flying(entry, flight, flight.scenario.seed if seed is None else seed, client)
        with interruptible() as interrupted:
            _fly(flying, interrupted, endpoint)
        if interrupted:
            client.send([Bye()])
            raise typer.Exit(reports.INTERRUPTED)
    except StationFault as fault:
        print(f"airaccord: {fault.about}", file=sys.stderr)
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


def _fly(flying: Flying, interrupted: list[int], endpoint: str) -> None:
    """Until the run is over. Raises ConfigurationError if the hub will not have the station."""
    sign = flying.entry.call_sign
    print(f"airaccord: {sign} is looking for the hub at {endpoint}", file=sys.stderr, flush=True)
    over = False
    while not over and not interrupted:
        flying.client.socket.poll(POLL_MS)
        over = flying.turn()
        if flying.refused is not None and flying.client.life is None:
            raise ConfigurationError([Problem(endpoint, "", "", f"refuses {sign}: {flying.refused}")])
