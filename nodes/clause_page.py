"""The page about the clauses, made from themselves, from the shipped agreement and from the table of faults."""

from nodes.fault_table import TABLE
from nodes.flight import load_agreement
from nodes.shipped import CONFIGS
from protocol.agreement import Agreement, Annexes, Role, Station
from protocol.clauses import ALL, in_words
from protocol.clauses.base import TALKING, Clause, World

AGREEMENT = CONFIGS / "agreements" / "safety-of-flight-2015.toml"
INTRODUCTION = (
    "# The clauses\n\nWhat each clause asks, what proves a breach of it, and what cannot be proved. Made from the "
    "clauses in `protocol/clauses/` by `airaccord spec clauses`; do not edit it by hand. The numbers are those of the "
    f"shipped agreement, `configs/agreements/{AGREEMENT.name}`; what each may be stands in "
    "[configuration.md](configuration.md). What the kinds mean, what limits all proofs, and when trouble of the "
    "emulator's own excuses, stands in [architecture.md](architecture.md#the-judge).\n"
)
KINDS = {"C": "content", "X": "circumstance", "S": "state", "A": "absence", "G": "ground line"}
UNITS = {
    "s": "s",
    "ms": "ms",
    "nm": "NM",
    "ft": "ft",
    "kt": "kt",
    "g": "g",
    "fpm": "ft/min",
    "deg": "deg",
    "dbm": "dBm",
}
"""By what a key ends in."""
ROLES = {"aircraft": "aircraft", "uncrewed": "uncrewed aircraft", "ground": "ground stations"}


def page() -> str:
    """The whole page, as Markdown."""
    agreement = load_agreement(AGREEMENT)
    world, words = _world_of_every_role(agreement), in_words(agreement)
    return "\n".join([INTRODUCTION, *(_section(clause, world, words[clause.id]["text"]) for clause in ALL)])


def _section(clause: type[Clause], world: World, text: str) -> str:
    rows = {
        "kind": f"{clause.kind}, {KINDS[clause.kind]}",
        "about": _about(clause, world),
        "parameters": _parameters(clause, world.agreement),
        "an instance is": clause.instance,
        "proof": clause.proof,
        "limits": clause.limits,
        "suspended by": clause.suspended_by or "nothing",
        "fault": _faults(clause.id),
    }
    table = [f"| {name} | {what} |" for name, what in rows.items()]
    return "\n".join([f"## {clause.id} {clause.title}", text, "", "| | |", "|---|---|", *table, ""])


def _world_of_every_role(agreement: Agreement) -> World:
    """A register with an aircraft of each party, and a station of each other role, to ask the clauses whom they are
    about."""
    (first, second, *_), tower = agreement.party, agreement.clause.c7_2
    parties: tuple[tuple[Role, str | None], ...] = (
        ("aircraft", first.name),
        ("aircraft", second.name),
        ("uncrewed", first.name),
        ("ground", None),
    )
    register = tuple(
        Station(address=i, call_sign=tower.station if tower else "", party=party, role=role)
        for i, (role, party) in enumerate(parties, start=1)
    )
    slots = {station.address: {agreement.channel[0].number: (0,)} for station in register}
    return World(agreement, Annexes(version="", register_=register, slots=slots))


def _about(clause: type[Clause], world: World) -> str:
    subjects = clause(world, world.agreement.clause.of(clause.id)).subjects()
    if any("/" in subject for subject in subjects):
        return "each aircraft of one party with each of another"
    roles = {station.role for station in world.stations.values() if f"{station.address:06x}" in subjects}
    told = [ROLES[role] for role in TALKING if role in roles]
    told += ["parties"] * any(party.name in subjects for party in world.agreement.party)
    return ", ".join(told) or "nobody: the subject is `unattributed`"


def _parameters(clause: type[Clause], agreement: Agreement) -> str:
    terms = agreement.clause.of(clause.id)
    shipped = terms.model_dump(by_alias=True) if terms else {}
    return ", ".join(f"`{key}` {_value(value)}{_unit(key)}" for key, value in shipped.items()) or "none"


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _unit(key: str) -> str:
    _, underscore, end = key.rpartition("_")
    return f" {UNITS[end]}" if underscore else ""


def _faults(clause: str) -> str:
    """Those that trip it, and what else they may trip."""
    told = [
        f"`{name}`" + (f", which may also trip {', '.join(row.also)}" if row.also else "")
        for name, row in TABLE.items()
        if row.clause == clause
    ]
    return "; ".join(told) or "none"
