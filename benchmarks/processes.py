"""A minute of medium time with 18 stations, hub and monitor as 20 processes, at pace max, against the limit of 15 s.

By hand: python -m benchmarks.processes
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nodes.shipped import CONFIGS

STATIONS, LIMIT_S, ROUNDS = 18, 15.0, 3
STATION = """
[[station]]
address = "{address:06x}"
call_sign = "S {n}"
party = "{party}"
role = "aircraft"
waypoints = [[0, {latitude:.2f}, {longitude:.2f}, {feet}], [60, {latitude:.2f}, {until:.2f}, {feet}]]
"""


def scenario() -> str:
    """The quiet morning's head and monitor, and aircraft of both parties that stay far apart."""
    head, monitor, *_ = (CONFIGS / "scenarios" / "quiet.toml").read_text(encoding="utf-8").split("[[station]]")
    text = head.replace("../agreements", str(CONFIGS / "agreements")) + "[[station]]" + monitor
    for n in range(STATIONS):
        party, base, longitude = ("coalition", 0xAE1001, 36.0) if n % 2 else ("federation", 0x155001, 37.2)
        place = {"latitude": 34.6 + n / 10, "longitude": longitude, "until": longitude + 0.15, "feet": 20000 + 1500 * n}
        text += STATION.format(address=base + n, n=n, party=party, **place)
    return text


def main() -> None:
    """Fly it a few times, and print how long each took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "twenty.toml")
        path.write_text(scenario(), encoding="utf-8")
        command = [sys.executable, "-c", "from nodes.main import main; main()", "run", str(path), "--pace", "max"]
        for _ in range(ROUNDS):
            begun_s = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            elapsed_s = time.perf_counter() - begun_s
            print(f"{elapsed_s:.1f} s, {elapsed_s / LIMIT_S:.2f} of the limit")


if __name__ == "__main__":
    main()
