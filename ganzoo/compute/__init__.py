"""Where and how the engine computes: the device, its numbers, and every random stream."""
