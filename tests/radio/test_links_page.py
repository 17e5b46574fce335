"""The programs in docs/links.md run, and print what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from radio.check_link import ALL, Check

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "links.md").read_text(encoding="utf-8")
EXAMPLE, OWN = re.findall(r"(?ms)^```python\n(.*?)^```", PAGE)


def test_the_example_prints_the_same_over_both_links(tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text(EXAMPLE, encoding="utf-8")
    told = subprocess.run(
        [sys.executable, "-W", "error", path], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert (told.returncode, told.stderr) == (0, "")
    (printed,) = re.findall(r"(?ms)prints the same three lines twice:\n\n```text\n(.*?)^```", PAGE)
    assert told.stdout == printed * 2


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.__name__.removeprefix("check_"))
async def test_the_link_on_the_page_holds(check: Check) -> None:
    names: dict[str, object] = {}
    exec(OWN, names)
    await names["test_my_link"](check)  # type: ignore[operator]
