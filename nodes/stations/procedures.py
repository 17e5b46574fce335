"""The procedures of a station that keeps the agreement: who calls whom when, and what is done after what was said."""

from nodes.stations.machine import Procedure, Step

CALL = Procedure(
    "Call",
    "To one peer: first on guard, then on the next channel of the agreement's order; the answer comes on the working "
    "channel. It is made once more than silence may last (6.3), for not everybody hears every call. Whoever was "
    "called, or answered, need not be called. The party named first calls at once, the other when half of the time "
    "between the two (6.2) is over.",
    (
        Step("silent", "near", ("call",), "called"),
        Step("silent", "addressed", (), "talking"),
        Step("called", "time", ("call again",), "called"),
        Step("called", "answered", (), "talking"),
        Step("called", "addressed", (), "called"),
        Step("called", "tried", (), "unanswered"),
        Step("unanswered", "addressed", (), "talking"),
        Step("unanswered", "answered", (), "talking"),
    ),
    ("2.5", "6.2", "6.3"),
)
CHANGE = Procedure(
    "Change of frequency",
    "On the word of a ground station: read back, go at the time that was told, and come back if nobody is heard there.",
    (
        Step("tuned", "ordered", ("read back",), "waiting"),
        Step("waiting", "ordered", ("read back",), "waiting"),
        Step("waiting", "time", ("retune",), "arrived"),
        Step("arrived", "heard", (), "tuned"),
        Step("arrived", "ordered", ("read back",), "waiting"),
        Step("arrived", "nobody heard", ("fall back",), "tuned"),
    ),
    ("2.4", "6.4"),
)
KEEPING_CLEAR = Procedure(
    "Keeping clear",
    "Of one peer: if both fly on and the closest approach falls under the limits, the one that has the other on its "
    "right speaks, declares what it will do, and does it. The other asks it to, and again if it then still does not.",
    (
        Step("clear", "give way", ("tell", "turn away"), "giving way"),
        Step("clear", "stand on", ("ask to keep clear",), "standing on"),
        Step("clear", "asked", ("turn away",), "giving way"),
        Step("standing on", "time", ("ask to keep clear",), "standing on"),
        Step("standing on", "asked", ("turn away",), "giving way"),
        Step("standing on", "give way", ("tell", "turn away"), "giving way"),
        Step("giving way", "asked", ("turn away",), "giving way"),
        Step("giving way", "past", (), "clear"),
        Step("standing on", "past", (), "clear"),
    ),
    ("5.2", "6.1", "6.4", "6.5"),
)
DISTRESS = Procedure(
    "Distress",
    "One's own: said again and again until it is over, less often once the ground has answered.",
    (
        Step("well", "trouble", ("emergency",), "in distress"),
        Step("in distress", "time", ("emergency",), "in distress"),
        Step("in distress", "answered", (), "answered"),
        Step("answered", "seldom", ("emergency",), "answered"),
        Step("in distress", "over", ("cancel",), "well"),
        Step("answered", "over", ("cancel",), "well"),
    ),
    ("7.1", "7.2"),
)
OTHERS_DISTRESS = Procedure(
    "Another's distress",
    "What can wait waits, as long as it is heard.",
    (
        Step("open", "emergency", (), "held"),
        Step("held", "emergency", (), "held"),
        Step("held", "cancelled", ("say what waited",), "open"),
        Step("held", "no more heard", ("say what waited",), "open"),
    ),
    ("7.3",),
)
LOST_LINK = Procedure(
    "Lost link",
    "Of an uncrewed aircraft: it says so at once and then again and again, and flies the procedure that it names.",
    (
        Step("linked", "lost", ("say so",), "alone"),
        Step("alone", "time", ("say so",), "alone"),
        Step("alone", "restored", ("say it is back",), "linked"),
    ),
    ("6.7",),
)
SILENCE = Procedure(
    "EMCON",
    "Announced in time, twice; calls, answers and distress go out in it all the same.",
    (
        Step("on the air", "soon", ("announce",), "announced"),
        Step("announced", "time", ("announce",), "announced"),
        Step("announced", "begins", (), "silent"),
        Step("silent", "ends", (), "on the air"),
    ),
    ("4.1", "4.7"),
)
UNKNOWN = Procedure(
    "Unknown contact",
    "Of one address that is in no register: told to everybody, and again as long as it is heard.",
    (
        Step("unseen", "heard", ("report",), "reported"),
        Step("reported", "time", ("report",), "reported"),
        Step("reported", "no more heard", (), "unseen"),
    ),
    ("1.1",),
)

ALL = (CALL, CHANGE, KEEPING_CLEAR, DISTRESS, OTHERS_DISTRESS, LOST_LINK, SILENCE, UNKNOWN)
