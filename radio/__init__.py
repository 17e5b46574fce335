"""The emulated radio channel: geometry, propagation, slots and the medium. Knows nothing of what the frames mean."""
