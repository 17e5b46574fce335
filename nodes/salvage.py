"""Takes the malformed keys out of a scenario, so that the rest of it can be checked in the same go."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from nodes.problems import Problem
from radio.loss_matrix import CALL_SIGN

STAND_INS: dict[str, Any] = {"title": "-", "start": datetime(2020, 1, 1, tzinfo=UTC), "duration_s": 60}
"""For mandatory keys; what they cause is not reported."""
TABLES = ("station", "fault", "event", "unagreed_channel")


@dataclass(frozen=True, slots=True)
class Rest:
    """A scenario's values without what was malformed, which keys that was, and the file's numbers of its faults
    and events."""

    values: dict[str, Any]
    missing: frozenset[str]
    numbers: dict[str, tuple[int, ...]]
    """By table: `fault` and `event`."""

    def caused(self, problem: Problem) -> bool:
        """Whether a problem may only be there because something was taken out."""
        when = bool(self.missing & {"start", "duration_s"})
        about_time = problem.key == "start" or problem.key.endswith((": track", ": waypoints", ".at_s"))
        about_stations = problem.key in ("station", CALL_SIGN) or problem.key.startswith(("fault.", "event."))
        gone = "station" in self.missing and about_stations
        of_channels = problem.found == "wrong_channel" or problem.key.endswith((".channels", ".channel"))
        no_channel = "unagreed_channel" in self.missing and of_channels
        # whether a station may be without a party is the faults' business (a stranger)
        no_party = "fault" in self.missing and problem.key.endswith(": party") and not problem.found
        return (when and about_time) or gone or no_channel or no_party

    def as_in_the_file(self, problem: Problem) -> Problem:
        """A problem of the rest, with the number that its fault or event has in the file."""
        key = re.sub(
            r"^(fault|event)\.(\d+)", lambda found: f"{found[1]}.{self.numbers[found[1]][int(found[2])]}", problem.key
        )
        return problem._replace(key=key)


def without_the_malformed(values: dict[str, Any], error: ValidationError) -> Rest:
    """The values without every key, and every entry of a table, that pydantic complained of."""
    rest = dict(values)
    bad: dict[str, set[int]] = {}
    missing = set()
    for item in error.errors(include_url=False, include_context=False):
        where = item["loc"]
        key = str(where[0]) if where else ""
        missing.add(key)
        if key in TABLES and len(where) > 1 and isinstance(where[1], int):
            bad.setdefault(key, set()).add(where[1])
        else:
            rest.pop(key, None)
            if key in STAND_INS:
                rest[key] = STAND_INS[key]
    for key, numbers in bad.items():
        rest[key] = [entry for i, entry in enumerate(values[key]) if i not in numbers]
    entries = {table: values[table] if table in rest else [] for table in ("fault", "event")}
    left = {t: tuple(i for i in range(len(some)) if i not in bad.get(t, ())) for t, some in entries.items()}
    return Rest(rest, frozenset(missing), left)
