"""What was agreed: messages, agreement, clauses, verdicts. Pure: no input or output, no clock, no randomness."""
