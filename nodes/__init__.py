"""Stations, what runs them, reports and the command line. Knows `protocol` and `radio`; neither knows it."""

__version__ = "0.1.0"
