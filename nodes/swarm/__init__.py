"""Whole configurations drawn from seeds, flown, and the judge compared with the truth. See docs/swarm.md."""
