"""Makes ``rides.csv``, the table of this plugin: synthetic bicycle rides.

    python -m acme_tabular.rides > rides.csv

Every value is drawn by the rules below, with a fixed seed. Hours have two peaks for subscribers and one for casual
riders. Minutes are skewed, ages are whole numbers, snow is rare, and stations depend on riders.
"""

from __future__ import annotations

import csv
import sys

import numpy as np

ROWS = 6000
SEED = 20190700503
STATIONS = ("Harbour", "Market", "Museum", "North Gate", "Old Mill", "Park", "Station", "University")
RIDERS = ("casual", "subscriber")
SKIES = ("clear", "cloudy", "rain", "snow")
VISITED = {  # shares of the stations
    "casual": (0.22, 0.12, 0.20, 0.04, 0.06, 0.26, 0.05, 0.05),
    "subscriber": (0.06, 0.14, 0.03, 0.15, 0.12, 0.04, 0.28, 0.18),
}
SKY = {"casual": (0.62, 0.32, 0.055, 0.005), "subscriber": (0.44, 0.35, 0.185, 0.025)}
WARMTH = {"clear": 19.0, "cloudy": 14.0, "rain": 11.0, "snow": -1.0}  # degrees Celsius


def draw_ride(draws: np.random.Generator) -> list[str]:
    """Draw a ride and return its cells."""
    rider = str(draws.choice(RIDERS, p=(0.35, 0.65)))
    station = str(draws.choice(STATIONS, p=VISITED[rider]))
    sky = str(draws.choice(SKIES, p=SKY[rider]))
    if rider == "casual":
        hour, age = draws.normal(14.5, 2.6), 18 + draws.gamma(2.2, 7.0)
        minutes = draws.lognormal(3.4, 0.6)
    else:
        morning = draws.random() < 0.48
        hour, age = draws.normal(8.1, 0.8) if morning else draws.normal(17.6, 1.2), 22 + draws.gamma(4.0, 5.0)
        minutes = draws.lognormal(2.3, 0.45)
    minutes *= 0.7 if sky in ("rain", "snow") else 1.0
    warmth = draws.normal(WARMTH[sky] + 0.25 * (hour - 12), 4.0)
    numbers = (f"{hour % 24:.2f}", f"{minutes:.1f}", f"{min(age, 90.0):.0f}", f"{round(warmth, 1) + 0.0:.1f}")
    return [rider, station, sky, *numbers]


def main() -> None:
    """Write the table to stdout."""
    draws = np.random.default_rng(SEED)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["rider", "station", "sky", "hour", "minutes", "age", "celsius"])
    writer.writerows(draw_ride(draws) for _ in range(ROWS))


if __name__ == "__main__":
    main()
