"""Stations that break one clause on purpose, named as in the table of clauses. Each trips its own and no other, but for
those in `nodes.fault_table`.

Faults of message stand between a station and its transmitter, so that they leave no hole in the numbering; faults of
frame stand behind it; faults of flying are ways to move. `loud` is an event of the medium; `stranger` is a station that
is missing in the register.
"""
