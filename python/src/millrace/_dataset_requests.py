"""Data sets: what can be asked for, and what the server says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from ._errors import MillraceError
from ._times import Time, datetime_of, duration_text, optional_datetime, time_value

Mode: TypeAlias = Literal["event-time", "as-served"]
State: TypeAlias = Literal["running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Grid:
    """Every entity at ``start``, and each ``every`` after it, before ``end``."""

    start: Time
    end: Time
    every: timedelta | str
    """a duration, such as ``1d``"""

    def body(self) -> dict[str, Any]:
        return {
            "grid": {
                "from": time_value("start", self.start),
                "to": time_value("end", self.end),
                "every": duration_text("every", self.every),
            }
        }


@dataclass(frozen=True)
class Events:
    """Every event of a source, with the features just before it and fields of it as labels."""

    source: str
    label: tuple[str, ...] = ()
    start: Time | None = None
    end: Time | None = None

    def body(self) -> dict[str, Any]:
        events: dict[str, Any] = {"source": self.source, "label": list(self.label)}
        if self.start is not None:
            events["from"] = time_value("start", self.start)
        if self.end is not None:
            events["to"] = time_value("end", self.end)
        return {"events": events}


@dataclass(frozen=True)
class ServerFile:
    """A file on the server's machine: Parquet, CSV or Arrow. It needs the right to name files."""

    path: str

    def body(self) -> dict[str, Any]:
        return {"file": self.path}


@dataclass(frozen=True)
class Query:
    """The rows of a statement of SQL, which the server answers with the caller's rights."""

    sql: str

    def body(self) -> dict[str, Any]:
        return {"sql": self.sql}


@dataclass(frozen=True)
class PinnedView:
    view: str
    version: int
    generation: int | None


@dataclass(frozen=True)
class Dataset:
    """A build of a data set, and its state."""

    id: str
    name: str | None
    version: int | None
    """of the name; None: not known yet"""
    state: State
    progress: float
    """0 to 1"""
    stage: str
    rows: int | None
    mode: Mode
    features: tuple[str, ...]
    views: tuple[PinnedView, ...]
    known: datetime
    started_at: datetime
    finished_at: datetime | None
    error: MillraceError | None

    @property
    def reference(self) -> str:
        """``NAME@VERSION``, or the id of one without a name: what the methods of data sets take."""
        return self.id if self.name is None else f"{self.name}@{self.version}"


def dataset_of(status: Mapping[str, Any]) -> Dataset:
    error = status["error"]
    return Dataset(
        id=status["id"],
        name=status.get("name"),
        version=status.get("version"),
        state=status["state"],
        progress=status["progress"],
        stage=status["stage"],
        rows=status["rows"],
        mode=status["mode"],
        features=tuple(status["features"]),
        views=tuple(PinnedView(v["view"], v["version"], v["generation"]) for v in status["views"]),
        known=datetime_of(status["known"]),
        started_at=datetime_of(status["startedAt"]),
        finished_at=optional_datetime(status["finishedAt"]),
        error=None
        if error is None
        else MillraceError(error["code"], error["message"], error.get("details")),
    )


@dataclass(frozen=True)
class Difference:
    path: str
    """where the two manifests differ"""
    first: Any
    second: Any


@dataclass(frozen=True)
class DatasetDiff:
    first: str
    second: str
    same_bytes: bool | None
    """None: one of them was never built to the end"""
    differences: tuple[Difference, ...]
