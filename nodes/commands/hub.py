"""`airaccord hub`: the hub and the monitors of a scenario alone; every other station is started by somebody else."""

from dataclasses import replace

from nodes.commands.common import AsJson, Force, Output
from nodes.commands.flying import Loss, ScenarioFile, Seed, load_flight
from nodes.commands.run import Broker, Listen, Pace, PaceOption, Patience, Wait, check_broker, endpoint_of, fly_live
from nodes.flight import Flight
from nodes.live.settings import Settings
from nodes.output import OutputFolder


def hub(
    scenario: ScenarioFile,
    seed: Seed = None,
    loss: Loss = None,
    pace: PaceOption = Pace.REAL,
    listen: Listen = "127.0.0.1:5555",
    wait: Wait = 60.0,
    patience: Patience = 10.0,
    broker: Broker = None,
    output: Output = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Run the hub and the monitors of a scenario, wait for all its stations, and judge them.

    Start the stations with `airaccord node`, or use your own programs.

    Example: airaccord hub configs/scenarios/encounter-2015.toml --listen 127.0.0.1:5555
    """
    endpoint = endpoint_of("--listen", listen)
    flight = load_flight(scenario, loss)
    check_broker(broker, flight)
    settings = Settings(paced=pace is Pace.REAL, listen=endpoint, patience_s=patience, wait_s=wait, broker=broker)
    fly_live(_nobody_ours(flight), seed, settings, OutputFolder(output, force), as_json)


def _nobody_ours(flight: Flight) -> Flight:
    """The same flight, with every station but the monitors started by somebody else."""
    free = {"external": True, "command": None, "python": None}
    stations = tuple(s if s.role == "monitor" else s.model_copy(update=free) for s in flight.stations)
    return replace(flight, stations=stations)
