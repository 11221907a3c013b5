"""The events of the tests, and the values that a few lines compute from them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

HOUR = timedelta(hours=1)
LARGE = 2**53 - 1

# Near now, so that online reads have values in their windows and within the ttl.
START = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0) - 48 * HOUR
END = START + 47 * HOUR

_random = random.Random(7)


def _sale(i: int) -> dict[str, Any]:
    at = START + timedelta(milliseconds=_random.randrange(47 * 3_600_000))
    some = _random.random() < 0.7
    return {
        "shop": _random.choice(["a", "b", "c d", "é/ü"]),
        "branch": _random.choice([1, 2, LARGE]),
        "at": at,
        "price": _random.choice([None, i / 7, -0.1, 1e300]),
        "n": LARGE - i if some else None,
        "small": -i if some else None,
        "ratio": 0.1 if some else None,
        "open": i % 2 == 0 if some else None,
        "moment": at - timedelta(milliseconds=1) if some else None,
        "day": date(1969, 12, 31) if some else None,
        "raw": b"\x00\xff" if some else None,
        "item": f"item {i}" if some else None,
        "tags": ["x", "y"] if some else None,
    }


SALES: Sequence[Mapping[str, Any]] = [_sale(i) for i in range(400)]


def _aligned(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def of_shop(shop: str | None, branch: int | None, at: datetime) -> dict[str, Any]:
    """``sold`` and ``price`` of the view ``of_shop``, and ``n``, over what happened by a time."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    own = [s for s in SALES if (s["shop"], s["branch"]) == (shop, branch) and s["at"] <= at]
    window = [s for s in own if s["at"] >= _aligned(at - HOUR)]
    prices = [s["price"] for s in window if s["price"] is not None]
    numbers = [s for s in own if s["n"] is not None]
    return {
        "sold": len(window),
        "price": sum(prices) / len(prices) if prices else None,
        "n": max(numbers, key=lambda s: s["at"])["n"] if numbers else None,
    }


def spine(rows: int, seed: int) -> list[dict[str, Any]]:
    """Rows in no order, some of them twice, some of entities that do not exist."""
    rng = random.Random(seed)
    made = [
        {
            "shop": rng.choice(["a", "b", "c d", "é/ü", "nobody"]),
            "branch": rng.choice([1, 2, LARGE]),
            "event_timestamp": START + timedelta(milliseconds=rng.randrange(48 * 3_600_000)),
        }
        for _ in range(rows)
    ]
    return made + made[: rows // 10]


def same(one: Any, other: Any) -> bool:
    """Sums may be added in another order."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-12 * max(abs(one), abs(other))
    return bool(one == other)
