"""airaccord's judge against rtamt's discrete-time monitors, in one run: all clauses against one property. By hand:

pip install "airaccord[peers]"
python -m benchmarks.rtamt [--aircraft 100] [--seconds 60] [--rounds 7]

The traffic is that of `benchmarks.judge`. The judge is given each frame as bytes, decodes it and hears it, all clauses
of the shipped agreement in force. rtamt has a monitor of one property for each aircraft and is told once a second what
was heard of it; nothing is decoded, and what the frames say is laid out for it before the clock starts. The properties:
"a POSITION at least every 2 s", of 4.1, and "a call is answered within 10 s", of 6.3, without loss, clocks or causes.

Frames, and rtamt's updates, in a second of processor time; in turn, so that what else the machine does falls on both.
"""

import argparse
import gc
import sys
from statistics import median
from time import process_time
from typing import Any

from benchmarks.judge import START_NS, Traffic, agreement
from nodes.collecting import rarely
from protocol.agreement import Annexes
from protocol.codec import decode
from protocol.heard import Heard
from protocol.judge import Judge
from protocol.messages import Ack, Hail, Position
from protocol.units import NS_PER_S

try:
    import rtamt
except ImportError as error:
    sys.exit(f'{error}: this benchmark needs rtamt; install it with pip install "airaccord[peers]"')

PROPERTIES = {
    "POSITION every 2 s": ("once[0:2](position >= 0.5)", ("position",)),
    "call answered in 10 s": ("not((ack < 0.5) since[10:10] (hail >= 0.5))", ("hail", "ack")),
}
"""In rtamt's language, and the variables of each."""
Ticks = dict[str, list[list[list[tuple[str, float]]]]]
"""For each property, second and aircraft the values of its variables, as rtamt takes them."""


def ticks(traffic: Traffic, seconds: int) -> Ticks:
    """What was heard, or not, of each aircraft in each second."""
    said = {
        (kind, second, a.address): 0.0
        for kind in ("position", "hail", "ack")
        for second in range(seconds)
        for a in traffic.aircraft
    }
    for heard in traffic.heard:
        second, message = (heard.at_ns - START_NS) // NS_PER_S, heard.frame.message
        if isinstance(message, Position):
            said["position", second, heard.frame.source] = 1.0
        elif isinstance(message, Hail):
            said["hail", second, message.addressee] = 1.0
        elif isinstance(message, Ack):
            said["ack", second, heard.frame.source] = 1.0
    return {
        name: [
            [[(kind, said[kind, second, a.address]) for kind in variables] for a in traffic.aircraft]
            for second in range(seconds)
        ]
        for name, (_, variables) in PROPERTIES.items()
    }


def monitor(name: str) -> Any:
    """One of rtamt's, for one aircraft."""
    text, variables = PROPERTIES[name]
    made = rtamt.StlDiscreteTimeOnlineSpecification()
    for variable in variables:
        made.declare_var(variable, "float")
    made.spec = text
    made.parse()
    return made


def theirs(name: str, told: list[list[list[tuple[str, float]]]]) -> float:
    """Updates a second; AssertionError if a monitor finds a breach in traffic that has none."""
    monitors = [monitor(name) for _ in told[0]]
    gc.collect()
    begin, breaches = process_time(), 0
    for second, some in enumerate(told):
        for one, values in zip(monitors, some, strict=True):
            if one.update(second, values) < 0:
                breaches += 1
    taken = process_time() - begin
    assert not breaches, f"rtamt finds {breaches} breaches of: {name}"
    return len(told) * len(monitors) / taken


def ours(traffic: Traffic, annexes: Annexes) -> float:
    """Frames a second, from bytes to verdicts."""
    given = [(one.id, one.at_ns, one.channel, one.data, one.clock_bound_ns) for one in traffic.heard]
    terms = agreement()
    gc.collect()
    gc.freeze()  # what was made before is not what is measured
    with rarely():  # as the command `simulate` does
        begin = process_time()
        judge = Judge(terms, annexes)
        for id_, at_ns, channel, data, clock_ns in given:
            judge.hear(Heard(id_, at_ns, channel, decode(data), data, clock_ns))
        judge.close(given[-1][1])
        return len(given) / (process_time() - begin)


def main() -> None:
    """Print what each does, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--aircraft", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    traffic = Traffic(asked.aircraft, asked.seconds)
    annexes, told = traffic.annexes(), ticks(traffic, asked.seconds)
    judged: list[float] = []
    monitored: dict[str, list[float]] = {name: [] for name in PROPERTIES}
    for _ in range(asked.rounds):
        judged.append(ours(traffic, annexes))
        for name, rates in monitored.items():
            rates.append(theirs(name, told[name]))
    clauses = len(Judge(agreement(), annexes).clauses)
    print(f"{asked.aircraft} aircraft: {clauses} clauses, {median(judged):10,.0f} frames a second, decoded and judged")
    for name, rates in monitored.items():
        ratio = median(mine / other for mine, other in zip(judged, rates, strict=True))
        print(f"rtamt, {name:22} {median(rates):10,.0f} updates a second; ratio {ratio:.2f} (at least 1 wanted)")


if __name__ == "__main__":
    main()
