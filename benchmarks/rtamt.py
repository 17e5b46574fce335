"""airaccord's judge against rtamt's discrete-time monitors, in one run: all clauses against one property. By hand:

pip install "airaccord[peers]"
python -m benchmarks.rtamt [--aircraft 100] [--seconds 60] [--rounds 7]

The traffic is that of `benchmarks.judge`. The judge is given each frame as bytes, decodes it and hears it, all clauses
of the shipped agreement in force. rtamt has a monitor of one property for each aircraft and is told once a second what
was heard of it; it decodes nothing, and what it is told is laid out before the clock starts. The properties: "a
POSITION at least every 2 s", of 4.1, and "a call is answered within 10 s", of 6.3, without loss, clocks or causes.

Frames and updates in a second of processor time, measured in turn, so that what else the machine does falls on both.
"""

import argparse
import gc
import sys
from statistics import median
from time import process_time
from typing import Any, NamedTuple

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


class Property(NamedTuple):
    """One property of one aircraft, in rtamt's language, and the variables in it."""

    name: str
    text: str
    variables: tuple[str, ...]


PROPERTIES = (
    Property("POSITION every 2 s", "once[0:2](position >= 0.5)", ("position",)),
    Property("call answered in 10 s", "not((ack < 0.5) since[10:10] (hail >= 0.5))", ("hail", "ack")),
)
Ticks = list[list[list[tuple[str, float]]]]
"""For each second and aircraft the values of the variables, as rtamt takes them."""


def ticks(of: Property, traffic: Traffic, seconds: int) -> Ticks:
    """What was heard, or not, of each aircraft in each second."""
    said = set()
    for heard in traffic.heard:
        second, message = (heard.at_ns - START_NS) // NS_PER_S, heard.frame.message
        if isinstance(message, Position):
            said.add(("position", second, heard.frame.source))
        elif isinstance(message, Hail):
            said.add(("hail", second, message.addressee))
        elif isinstance(message, Ack):
            said.add(("ack", second, heard.frame.source))
    return [
        [[(kind, float((kind, second, a.address) in said)) for kind in of.variables] for a in traffic.aircraft]
        for second in range(seconds)
    ]


def monitor(of: Property) -> Any:
    """One of rtamt's, for one aircraft."""
    made = rtamt.StlDiscreteTimeOnlineSpecification()
    for variable in of.variables:
        made.declare_var(variable, "float")
    made.spec = of.text
    made.parse()
    return made


def theirs(of: Property, told: Ticks) -> float:
    """Seconds that rtamt takes; AssertionError if it finds a breach in traffic that has none."""
    monitors = [monitor(of) for _ in told[0]]
    gc.collect()
    begin, breaches = process_time(), 0
    with rarely():
        for second, some in enumerate(told):
            for one, values in zip(monitors, some, strict=True):
                if one.update(second, values) < 0:
                    breaches += 1
    taken = process_time() - begin
    assert not breaches, f"rtamt finds {breaches} breaches of: {of.name}"
    return taken


def ours(traffic: Traffic, annexes: Annexes) -> float:
    """Seconds that the judge takes, from bytes to verdicts."""
    given = [(one[:3], one[4:]) for one in traffic.heard]  # as heard, save for the decoded frame
    terms = agreement()
    gc.collect()
    gc.freeze()  # what was made before is not what is measured
    with rarely():  # as the command `simulate` does
        begin = process_time()
        judge = Judge(terms, annexes)
        for (name, at_ns, channel), told in given:
            judge.hear(Heard(name, at_ns, channel, decode(told[0]), *told))
        judge.close(at_ns)
        return process_time() - begin


def main() -> None:
    """Print what each does, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--aircraft", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    traffic = Traffic(asked.aircraft, asked.seconds)
    annexes, frames = traffic.annexes(), len(traffic.heard)
    told = [ticks(of, traffic, asked.seconds) for of in PROPERTIES]
    judged: list[float] = []
    monitored: list[list[float]] = [[] for _ in PROPERTIES]
    for _ in range(asked.rounds):
        judged.append(ours(traffic, annexes))
        for of, some, times in zip(PROPERTIES, told, monitored, strict=True):
            times.append(theirs(of, some))
    clauses = len(Judge(agreement(), annexes).clauses)
    print(f"{asked.aircraft} aircraft, {frames:,} frames in {asked.seconds} s")
    print(f"airaccord, {clauses} clauses: {frames / median(judged):,.0f} frames a second, decoded and judged")
    for of, times in zip(PROPERTIES, monitored, strict=True):
        updates = asked.seconds * asked.aircraft
        ratio = median(b / updates / (a / frames) for a, b in zip(judged, times, strict=True))
        print(
            f"rtamt, {of.name}: {updates / median(times):,.0f} updates a second; ratio {ratio:.2f} (at least 1 wanted)"
        )


if __name__ == "__main__":
    main()
