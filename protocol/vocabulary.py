"""The words that messages are made of: what their enumerated fields can say. Whoever uses messages finds them there."""

from enum import IntEnum


class MessageType(IntEnum):
    """The type byte of the header."""

    POSITION = 1
    INTENT = 2
    IDENT = 3
    HAIL = 4
    ACK = 5
    WATCH = 6
    FREQUENCY_CHANGE = 7
    EMERGENCY = 8
    LOST_LINK = 9
    EMCON = 10
    SIGHTING = 11


class EmergencyState(IntEnum):
    """Emergency and priority status, after ADS-B (DO-260B, 2.2.3.2.7.8.1.1)."""

    NONE = 0
    GENERAL = 1
    MEDICAL = 2
    MINIMUM_FUEL = 3
    NO_COMMUNICATIONS = 4
    UNLAWFUL_INTERFERENCE = 5
    DOWNED = 6


class Emitter(IntEnum):
    """What kind of station is calling itself by this call sign."""

    UNKNOWN = 0
    FIXED_WING = 1
    ROTORCRAFT = 2
    HIGH_PERFORMANCE = 3
    UNCREWED = 4
    GROUND = 5
    MONITOR = 6


class IntentKind(IntEnum):
    """The declared manoeuvre; `AVOID` is the declared avoidance of clause 0.1."""

    HOLD = 0
    CLIMB = 1
    DESCEND = 2
    TURN = 3
    ORBIT = 4
    TRANSIT = 5
    RETURN = 6
    AVOID = 7


class Phrase(IntEnum):
    """What a HAIL says; each has the answers that clause 6.4 allows."""

    CONTACT = 1
    STATE_INTENTION = 2
    KEEP_CLEAR = 3
    YOU_ARE_CLOSING = 4
    CHANGE_FREQUENCY = 5
    SAY_AGAIN = 6


class Result(IntEnum):
    """What an ACK answers."""

    ROGER = 1
    WILCO = 2
    UNABLE = 3
    STANDBY = 4
    SAY_AGAIN = 5


class Reason(IntEnum):
    """Why the answer is what it is."""

    NONE = 0
    TRAFFIC = 1
    WEATHER = 2
    TECHNICAL = 3
    ORDERS = 4
    NOT_UNDERSTOOD = 5


class Severity(IntEnum):
    """How bad an EMERGENCY is, after the radiotelephony signals PAN PAN and MAYDAY (ICAO Annex 10, volume II, 5.3)."""

    CANCEL = 0
    URGENCY = 1
    DISTRESS = 2


class Nature(IntEnum):
    """What is wrong."""

    NOT_GIVEN = 0
    ENGINE = 1
    FIRE = 2
    FUEL = 3
    STRUCTURE = 4
    CONTROL = 5
    NAVIGATION = 6
    MEDICAL = 7
    WEATHER = 8
    UNLAWFUL_INTERFERENCE = 9
    DAMAGE = 10
    OTHER = 11


class Intention(IntEnum):
    """What the one in distress will do."""

    NOT_GIVEN = 0
    CONTINUE = 1
    HOLD = 2
    DIVERT = 3
    LAND = 4
    DITCH = 5
    ABANDON = 6


class Procedure(IntEnum):
    """What an uncrewed aircraft does without its link; `LINK_RESTORED` says that it has it back."""

    LINK_RESTORED = 0
    HOLD = 1
    ORBIT = 2
    RETURN = 3
    CONTINUE = 4
    LAND = 5
    TERMINATE = 6


class Sensor(IntEnum):
    """What a station has seen another with."""

    VISUAL = 0
    RADAR = 1
    INFRARED = 2
    OTHER = 3
