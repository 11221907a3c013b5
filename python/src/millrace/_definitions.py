"""Definitions, as the server has them: what a frame must have, and the types of what comes back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ._errors import MillraceError, refuse
from ._field_types import FieldType, field_type
from ._transport import Transport, path_of

KINDS = ("entity", "source", "feature-view", "on-demand-feature", "feature-service")
_KEPT_S = 60.0

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Feature:
    """A feature as reads answer it."""

    name: str
    type: str
    """as definitions write it; it ends with ``?`` if it can be null"""
    description: str | None
    computes: str | None
    """the aggregation with its window and hop, or the expression"""


@dataclass(frozen=True)
class Definition:
    """The newest version of a definition."""

    kind: str
    name: str
    version: int
    status: str
    namespace: str
    owner: str | None
    description: str | None
    tags: tuple[str, ...]
    features: tuple[Feature, ...]
    upstream: tuple[str, ...]
    downstream: tuple[str, ...]
    definition: Mapping[str, Any]
    """as it was registered"""


def definition_of(entry: Mapping[str, Any]) -> Definition:
    features = tuple(
        Feature(one["name"], one["type"], one.get("description"), one.get("computes"))
        for one in entry.get("features", ())
    )
    plain = {
        name: entry[name]
        for name in ("kind", "name", "version", "status", "namespace", "owner", "description")
    }
    return Definition(
        **plain,
        tags=tuple(entry["tags"]),
        features=features,
        upstream=tuple(entry["upstream"]),
        downstream=tuple(entry["downstream"]),
        definition=entry["definition"],
    )


@dataclass(frozen=True)
class Target:
    """A feature service, a view or a list of features, and what it needs and answers."""

    read: Mapping[str, Any]
    """of the body of a read"""
    dataset: Mapping[str, Any] | None
    """of the body of a data set; None: a list of features has none"""
    keys: Mapping[str, FieldType]
    inputs: Mapping[str, FieldType]
    features: tuple[tuple[str, FieldType], ...]
    """names and types of the columns, in the order of the answer"""

    def columns(self, with_status: bool) -> list[str]:
        """The names of the columns of results."""
        return [
            column
            for name, _ in self.features
            for column in ((name, status_column(name)) if with_status else (name,))
        ]


def status_column(feature: str) -> str:
    return f"{feature}__status"


class Catalog:
    """Definitions are asked for once a minute at most; ``forget`` asks again."""

    def __init__(self, transport: Transport, timeout: float) -> None:
        self._transport = transport
        self._timeout = timeout
        self._found: dict[tuple[str, str], tuple[float, Definition]] = {}
        self._targets: dict[tuple[str, ...], tuple[float, Target]] = {}

    def forget(self) -> None:
        self._found.clear()
        self._targets.clear()

    def list(self, kind: str) -> list[Definition]:
        entries = self._transport.json(
            "GET", path_of("v1", "registry", _checked(kind)), timeout=self._timeout
        )
        return [definition_of(entry) for entry in entries]

    def show(self, kind: str, name: str) -> Definition:
        key = (_checked(kind), name)
        return _kept(self._found, key, lambda: self._fetched(kind, name))

    def _fetched(self, kind: str, name: str) -> Definition:
        entry = self._transport.json(
            "GET", path_of("v1", "registry", kind, name), timeout=self._timeout
        )
        return definition_of(entry)

    def find(self, name: str, kinds: Sequence[str] = KINDS) -> Definition:
        """The definition of a name, of the first kind that has one."""
        for kind in kinds:
            try:
                return self.show(kind, name)
            except MillraceError as error:
                if error.code != "MR_NOT_FOUND":
                    raise
        wanted = " or ".join(kind.replace("-", " ") for kind in kinds)
        raise MillraceError(
            "MR_NOT_FOUND",
            f'there is no {wanted} "{name}", or you may not see it',
            {"name": name},
        )

    def target(self, target: str | Sequence[str]) -> Target:
        """
        :param target: name of a feature service or a view; or features, as ``view:feature`` or, on
            demand, by name
        """
        key = (target,) if isinstance(target, str) else ("", *target)
        return _kept(self._targets, key, lambda: self._resolved(target))

    def _resolved(self, target: str | Sequence[str]) -> Target:
        if not isinstance(target, str):
            return self._listed([str(one) for one in target])
        found = self.find(target, ("feature-service", "feature-view"))
        needs = _Needs(self)
        views: list[str] = []
        if found.kind == "feature-view":
            needs.view(found.name)
            views = [found.name] * len(found.features)
            read: dict[str, Any] = {
                "features": [f"{found.name}:{one.name}" for one in found.features]
            }
            dataset: dict[str, Any] = {"view": found.name}
        else:
            for member in found.definition["features"]:
                if member["from"] == "view":
                    needs.view(member["view"])
                    views.extend(member["view"] for _ in member["features"])
                else:
                    needs.on_demand(member["name"])
                    views.append("")
            read = dataset = {"service": target}
        columns = _columns(views, found.features)
        return Target(read, dataset, needs.keys, needs.inputs, columns)

    def _listed(self, names: Sequence[str]) -> Target:
        needs = _Needs(self)
        views: list[str] = []
        features: list[Feature] = []
        for wanted in names:
            view, colon, name = wanted.partition(":")
            if colon:
                found = self.show("feature-view", view)
                needs.view(view)
            else:
                name = wanted
                found = self.show("on-demand-feature", name)
                needs.on_demand(name)
            named = [one for one in found.features if one.name == name]
            if not named:
                refuse("MR_NOT_FOUND", f'view "{view}" has no feature "{name}"', feature=wanted)
            views.append(view if colon else "")
            features.append(named[0])
        columns = _columns(views, features)
        return Target({"features": list(names)}, None, needs.keys, needs.inputs, columns)


def _columns(
    views: Sequence[str], features: Sequence[Feature]
) -> tuple[tuple[str, FieldType], ...]:
    """Plain names where they are unique, else ``view__feature``, as the server names them."""
    counts = Counter(one.name for one in features)
    return tuple(
        (f"{view}__{one.name}" if view and counts[one.name] > 1 else one.name, field_type(one.type))
        for view, one in zip(views, features, strict=True)
    )


class _Needs:
    """Keys and inputs of what a target reads, found by following its definitions."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: set[tuple[str, str]] = set()
        self.keys: dict[str, FieldType] = {}
        self.inputs: dict[str, FieldType] = {}

    def _first_time(self, kind: str, name: str) -> bool:
        if (kind, name) in self._seen:
            return False
        self._seen.add((kind, name))
        return True

    def view(self, name: str) -> None:
        if not self._first_time("feature-view", name):
            return
        view = self._catalog.show("feature-view", name).definition
        entity = self._catalog.show("entity", view["entity"]).definition
        for key, type in entity["keys"].items():
            self.keys[key] = field_type(type)

    def on_demand(self, name: str) -> None:
        if not self._first_time("on-demand-feature", name):
            return
        for one in self._catalog.show("on-demand-feature", name).definition["inputs"].values():
            if one["from"] == "feature":
                self.view(one["view"])
            elif one["from"] == "on-demand":
                self.on_demand(one["name"])
            else:
                self.inputs[one["name"]] = field_type(one["type"])


def _checked(kind: str) -> str:
    if kind not in KINDS:
        refuse("MR_PARAMETER_INVALID", f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    return kind


def _kept(found: dict[K, tuple[float, V]], key: K, fetch: Callable[[], V]) -> V:
    kept = found.get(key)
    if kept is not None and time.monotonic() - kept[0] < _KEPT_S:
        return kept[1]
    fetched = fetch()
    found[key] = (time.monotonic(), fetched)
    return fetched
