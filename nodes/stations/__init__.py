"""Stations: plain objects that take an instant and an input and answer with what to do next. They touch nothing."""
