"""What an INTENT says, beside what the one before said."""

from protocol.messages import Intent
from protocol.paths import turn_deg

NEW_DEG, NEW_FT, NEW_MPS = 10.0, 300, 10.0
"""A declaration that differs by more is a new one."""


def differs(before: Intent, now: Intent) -> bool:
    """Whether an INTENT says something new."""
    if before.kind is not now.kind:
        return True
    track = (
        0.0 if None in (before.track_deg, now.track_deg) else abs(turn_deg(before.track_deg or 0, now.track_deg or 0))
    )
    pairs = (
        (before.selected_altitude_ft, now.selected_altitude_ft, NEW_FT),
        (before.speed_mps, now.speed_mps, NEW_MPS),
    )
    if track > NEW_DEG or (before.track_deg is None) != (now.track_deg is None):
        return True
    return any((a is None) != (b is None) or abs((a or 0) - (b or 0)) > most for a, b, most in pairs)
