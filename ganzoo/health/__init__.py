"""Health of a run: signals, which are measured on the device, and verdicts, which are pure functions of its rows."""
