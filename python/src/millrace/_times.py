"""Points in time and durations, as requests have them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TypeAlias

from ._errors import refuse

Time: TypeAlias = datetime | str | int
"""A datetime with a time zone, ISO 8601 with a zone, or epoch milliseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MS = timedelta(milliseconds=1)


def time_value(name: str, time: Time) -> str | int:
    """The time in a body of JSON. A datetime is rounded down to the millisecond."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            refuse(
                "MR_TIME_INVALID",
                f"{name} is {time.isoformat()}, which has no time zone, and so would be another "
                "moment on another machine: give it one, such as datetime.timezone.utc",
                parameter=name,
            )
        return (time - _EPOCH) // _MS
    if isinstance(time, bool) or not isinstance(time, (str, int)):
        refuse(
            "MR_TIME_INVALID",
            f"{name} must be a datetime, a text in ISO 8601 or epoch milliseconds, "
            f"not {type(time).__name__}",
            parameter=name,
        )
    return time


def datetime_of(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def optional_datetime(ms: int | None) -> datetime | None:
    return None if ms is None else datetime_of(ms)


def duration_text(name: str, duration: timedelta | str) -> str:
    """Such as ``1h``: whole milliseconds, or the text as it is."""
    if isinstance(duration, str):
        return duration
    whole, rest = divmod(duration, _MS)
    if rest or whole <= 0:
        refuse(
            "MR_DURATION_INVALID",
            f"{name} must be a whole number of milliseconds above 0, not {duration}",
            parameter=name,
        )
    return f"{whole}ms"
