"""The ground line in a flight: who is on it, and what each client does in a window."""
