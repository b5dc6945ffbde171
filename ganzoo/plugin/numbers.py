"""Numbers as people type them: ``10k``, ``1.5M``, ``1e5``; counts such as ``50,000``; times such as ``20min``."""

from __future__ import annotations

import math
import re

EXPONENTS = {"k": 3, "m": 6, "g": 9, "b": 9}
SUFFIXED = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*))\s*([kmgb])\s*", re.IGNORECASE)
GROUPED = re.compile(r"\s*[1-9]\d{0,2}(,\d{3})+\s*")
UNITS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}  # of a time, in seconds
TIMED = re.compile(r"\s*(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)\s*(sec|s|min|m|h|d)\s*", re.IGNORECASE)


def parse_number(text: str) -> float:
    """Return the number of a text.

    Args:
        text: A number as Python reads it, or with a suffix: k for thousand, M for million, G or B for billion.

    Raises:
        ValueError: The text is not a finite number.
    """
    match = SUFFIXED.fullmatch(text)
    number = float(f"{match[1]}e{EXPONENTS[match[2].lower()]}" if match else text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a finite number")
    return number


def parse_count(text: str) -> int:
    """Return the whole number of a text, as `parse_number` reads it; commas may separate thousands.

    Raises:
        ValueError: The text is not a whole number.
    """
    plain = text.replace(",", "") if GROUPED.fullmatch(text) else text
    try:
        return int(plain)
    except ValueError:
        number = parse_number(plain)
    if not number.is_integer():
        raise ValueError(f"{text!r} is not a whole number")
    return int(number)


def parse_time(text: str) -> float:
    """Return the seconds of a time: a number with a unit (``90s``, ``20min``, ``1.5h``, ``2d``).

    Raises:
        ValueError: The text is not of this form, or the time is 0.
    """
    match = TIMED.fullmatch(text)
    seconds = float(match[1]) * UNITS[match[2].lower()] if match else 0.0
    if seconds <= 0:
        raise ValueError(f"{text!r} is not a time: type a number with a unit, such as 90s, 20min or 1.5h")
    return seconds


def format_number(number: float) -> str:
    """Return the shortest text that reads back as the same number."""
    return str(int(number)) if float(number).is_integer() else repr(number)
