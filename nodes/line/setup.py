"""Who is on a flight's ground line, with their keys: made ready once, when the scenario is read."""

from dataclasses import dataclass
from pathlib import Path

from nodes.keys import load_private_key, load_public_keys, public_hex
from nodes.problems import ConfigurationError, Problem
from nodes.scenario import Scenario
from nodes.scenario_line import GroundLineEntry
from nodes.shipped import CONFIGS
from protocol.agreement import Agreement
from protocol.line import names
from protocol.line.names import client_of_monitor, client_of_party

TEST_KEYS = CONFIGS / "keys" / "test-keys.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSetup:
    """`clients` are the names by address; `public` and `private` the keys by name, in hex and as raw bytes."""

    entry: GroundLineEntry
    clients: dict[int, str]
    public: dict[str, str]
    private: dict[str, bytes]


def monitor_name(call_sign: str) -> str:
    """What a monitor is called in frame ids."""
    return call_sign.lower().replace(" ", "_")


def line_of(scenario: Scenario, agreement: Agreement, path: Path, problems: list[Problem]) -> LineSetup | None:
    """The ground line of a scenario, if it has one; what is wrong is added to the problems."""
    entry = scenario.ground_line
    if entry is None:
        return None
    problems += _headquarters(scenario, agreement, str(path))
    monitors = [monitor_name(s.call_sign) for s in scenario.station if s.role == "monitor"]
    try:
        names.clients([p.name for p in agreement.party], monitors)
    except ValueError as error:
        problems.append(Problem(str(path), "ground_line", "", str(error)))
    clients = {s.address: client_of_monitor(monitor_name(s.call_sign)) for s in scenario.station if s.role == "monitor"}
    clients |= {s.address: client_of_party(s.party) for s in scenario.station if s.role == "ground" and s.party}
    file = path.parent / entry.keys if entry.keys else TEST_KEYS
    public: dict[str, str] = {}
    private: dict[str, bytes] = {}
    try:
        public = load_public_keys(file)
    except ConfigurationError as error:
        problems += error.problems
        return None
    for client in sorted(set(clients.values())):
        if client not in public:
            problems.append(Problem(str(file), f"keys.{client}", "", "is missing: it is a client of the ground line"))
            continue
        try:
            key = load_private_key(file.with_name(f"{client}.pem"), client)
        except ConfigurationError as error:
            problems += error.problems
            continue
        private[client] = key.private_bytes_raw()
        if public_hex(key) != public[client]:
            expected = f"is not the public key of {client}.pem beside it"
            problems.append(Problem(str(file), f"keys.{client}", public[client], expected))
    return LineSetup(entry=entry, clients=clients, public=public, private=private)


def _headquarters(scenario: Scenario, agreement: Agreement, file: str) -> list[Problem]:
    """Each party has one ground station, which is its headquarters."""
    problems = []
    for party in agreement.party:
        ground = [s.call_sign for s in scenario.station if s.role == "ground" and s.party == party.name]
        if len(ground) != 1:
            told = f"has {len(ground)} ground stations ({', '.join(ground)})" if ground else "has no ground station"
            expected = f"{told}; with a ground line each party has one, its headquarters"
            problems.append(Problem(file, "station", f"party {party.name}", expected))
    return problems
