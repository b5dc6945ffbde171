"""How the engine computes: the device, the precision, the threads and the random streams."""
