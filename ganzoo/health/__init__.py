"""Whether a run goes well: signals, measured on the device as it trains, and verdicts, pure functions of its rows."""
