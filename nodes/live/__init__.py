"""The live driver: a hub, stations and monitors as processes, and the director that starts, watches and ends them."""
