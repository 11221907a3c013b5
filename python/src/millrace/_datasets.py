"""Data sets: training sets that the platform keeps, with names, manifests and versions."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

import pyarrow as pa

from ._arrow_streams import read_table
from ._dataset_requests import (
    Dataset,
    DatasetDiff,
    Difference,
    Events,
    Grid,
    Mode,
    Query,
    ServerFile,
    dataset_of,
)
from ._definitions import Catalog
from ._errors import MillraceError, refuse
from ._frames import Frame, Kind, Rows, frame_of, view_of
from ._spines import whole_spine
from ._times import Time, time_value
from ._transport import ARROW_STREAM, Transport, path_of

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_FIRST_POLL_S = 0.05
_MOST_POLL_S = 1.0
# Statements of spines, and comparisons of rows, are answered within the request.
_QUERY_S = 270.0

OnProgress = Callable[[Dataset], None]


class Datasets:
    """``client.datasets``. A reference is ``NAME``, ``NAME@VERSION`` or the id of a build."""

    def __init__(self, transport: Transport, catalog: Catalog, timeout: float) -> None:
        self._transport = transport
        self._catalog = catalog
        self._timeout = timeout

    def make(
        self,
        target: str,
        spine: Frame | Rows | Grid | Events | Query | ServerFile,
        *,
        name: str | None = None,
        new_version: bool = False,
        mode: Mode = "event-time",
        known: Time | None = None,
        with_status: bool = False,
        wait: bool = True,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> Dataset:
        """Builds a data set of a feature service or a view; `read` gives its rows.

        :param spine: the rows: a frame with the entity keys, ``event_timestamp`` and the request
            inputs, all of whose columns are kept; or `Grid`, `Events`, `Query` or `ServerFile`
        :param name: its manifest is kept under this name. The same request under the same name
            builds the same bytes again
        :param new_version: whether another request is a new version of the name
        :param wait: whether to return when it is built
        :param timeout: of the wait, seconds; None: as long as it takes. What nobody waits for any
            more, also after an interrupt, is cancelled
        :raises MillraceError: also where it fails, with the reason
        """
        found = self._catalog.target(target)
        if isinstance(spine, (Grid, Events, Query, ServerFile)):
            body_of_spine = spine.body()
        else:
            body_of_spine = {"rows": whole_spine(found, view_of(spine))}
        body = {
            **(found.dataset or {}),
            "spine": body_of_spine,
            "mode": mode,
            "withStatus": with_status,
            **({} if known is None else {"known": time_value("known", known)}),
            **({} if name is None else {"name": name, "newVersion": new_version}),
        }
        seconds = max(self._timeout, _QUERY_S) if isinstance(spine, Query) else self._timeout
        started = self.start(body, timeout=seconds)
        return self.wait(started, timeout=timeout, on_progress=on_progress) if wait else started

    def start(self, body: Mapping[str, Any], *, timeout: float | None = None) -> Dataset:
        """Sends a request of ``POST /v1/datasets`` as it is."""
        # After a lost answer it may be built twice, which changes nothing else.
        seconds = self._timeout if timeout is None else timeout
        status = self._transport.json("POST", "/v1/datasets", body=body, timeout=seconds)
        return dataset_of(status)

    def wait(
        self,
        dataset: Dataset | str,
        *,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> Dataset:
        """Waits until it is built.

        :raises MillraceError: where it has failed or was cancelled; MR_DEADLINE after ``timeout``
            seconds, when it is cancelled, as after an interrupt
        """
        id = dataset if isinstance(dataset, str) else dataset.id
        end = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_POLL_S
        try:
            while True:
                found = self.status(id)
                if on_progress is not None:
                    on_progress(found)
                if found.state != "running":
                    break
                if end is not None and time.monotonic() + pause >= end:
                    self._give_up(id)
                    raise MillraceError(
                        "MR_DEADLINE",
                        f"data set {id} was not built in {timeout} s, and is cancelled",
                        {"id": id},
                    )
                time.sleep(pause)
                pause = min(_MOST_POLL_S, pause * 1.5)
        except MillraceError:
            # Where the server does not answer, it would not answer a cancellation either.
            raise
        except BaseException:
            self._give_up(id)
            raise
        if found.error is not None:
            raise found.error
        if found.state == "cancelled":
            raise MillraceError("MR_DATASET_FAILED", f"data set {id} was cancelled")
        return found

    def _give_up(self, id: str) -> None:
        try:
            self.cancel(id)
        except MillraceError:
            # The caller gets the error for which it is given up.
            pass

    def status(self, reference: str) -> Dataset:
        return dataset_of(self._get(path_of("v1", "datasets", reference)))

    def list(self, name: str | None = None) -> list[Dataset]:
        """The newest first: the caller's own, and for an admin all; with ``name``, those of one."""
        found = self._transport.json(
            "GET", "/v1/datasets", query={"name": name}, timeout=self._timeout
        )
        return [dataset_of(status) for status in found]

    def show(self, reference: str) -> Mapping[str, Any]:
        """The manifest of a named data set: recipe, content, builds (times are epoch ms)."""
        manifest: Mapping[str, Any] = self._get(path_of("v1", "datasets", reference, "manifest"))
        return manifest

    def diff(self, first: str, second: str) -> DatasetDiff:
        """How the manifest of the second differs from that of the first."""
        found = self._transport.json(
            "GET",
            path_of("v1", "datasets", first, "diff"),
            query={"with": second},
            timeout=self._timeout,
        )
        differences = (Difference(**one) for one in found["differences"])
        return DatasetDiff(
            found["first"], found["second"], found["sameBytes"], tuple(differences)
        )

    def diff_rows(
        self, first: str, second: str, *, examples: int | None = None
    ) -> Mapping[str, Any]:
        """How the rows of the second differ from those of the first: ``same``, ``changed``,
        ``onlyFirst``, ``onlySecond``, and for each column what changed, as HTTP has it.

        :param examples: of each kind of difference, at most
        """
        found: Mapping[str, Any] = self._transport.json(
            "GET",
            path_of("v1", "datasets", first, "diff", "rows"),
            query={"with": second, "examples": examples},
            timeout=max(self._timeout, _QUERY_S),
        )
        return found

    def rerun(
        self,
        reference: str,
        spine: Frame | Rows | ServerFile | None = None,
        *,
        wait: bool = True,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> Dataset:
        """Builds a named data set again, with the same bytes.

        :param spine: the same one, where it was given as a frame, which is not kept
        :raises MillraceError: MR_DATASET_CHANGED where that is not possible
        """
        body: dict[str, Any] = {}
        if isinstance(spine, ServerFile):
            body["spine"] = spine.body()
        elif spine is not None:
            target = self.show(reference)["recipe"]["target"]
            found = self._catalog.target(target.get("service") or target["view"])
            body["spine"] = {"rows": whole_spine(found, view_of(spine))}
        status = self._transport.json(
            "POST",
            path_of("v1", "datasets", reference, "rerun"),
            body=body,
            timeout=self._timeout,
        )
        started = dataset_of(status)
        return self.wait(started, timeout=timeout, on_progress=on_progress) if wait else started

    def cancel(self, reference: str) -> Dataset:
        """Ends a build. One that has ended stays as it is."""
        path = path_of("v1", "datasets", reference)
        return dataset_of(self._transport.json("DELETE", path, timeout=self._timeout))

    @overload
    def read(self, reference: str, *, to: Literal["arrow"] = "arrow") -> pa.Table: ...
    @overload
    def read(self, reference: str, *, to: Literal["pandas"]) -> pd.DataFrame: ...
    @overload
    def read(self, reference: str, *, to: Literal["polars"]) -> pl.DataFrame: ...
    def read(self, reference: str, *, to: Kind = "arrow") -> Any:
        """The rows of one that is built, in their order."""
        found = self.status(reference)
        with self._transport.stream(
            "GET",
            path_of("v1", "datasets", found.id, "data"),
            headers={"accept": ARROW_STREAM},
            timeout=self._timeout,
        ) as answer:
            table = read_table(answer, self._transport.url, found.rows)
        return frame_of(table, to)

    def download(self, reference: str, path: str | os.PathLike[str]) -> None:
        """Writes its file, Parquet or CSV, to a file of this machine, which must not exist. The
        file appears whole under its name, or not at all."""
        target = os.fspath(path)
        if os.path.exists(target):
            refuse("MR_REFUSED", f"{target} exists: give another name", path=target)
        part = f"{target}.part"
        try:
            with (
                self._transport.stream(
                    "GET", path_of("v1", "datasets", reference, "data"), timeout=self._timeout
                ) as answer,
                open(part, "wb") as file,
            ):
                for piece in answer.stream(1 << 20):
                    file.write(piece)
            os.replace(part, target)
        finally:
            if os.path.exists(part):
                os.remove(part)

    def _get(self, path: str) -> Any:
        return self._transport.json("GET", path, timeout=self._timeout)
