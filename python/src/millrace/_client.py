"""The client: one object for a server and a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, overload

import pyarrow as pa

from . import _explanations, _sql
from ._dataset_requests import Mode
from ._datasets import Datasets, OnProgress
from ._definitions import KINDS, Catalog, Definition
from ._events import event_lines
from ._frames import Frame, FrameT, Kind, Rows, frame_of, view_of
from ._publishing import Batches, Numbers, Published, checked_producer, digest_of
from ._reads import Answer, ReadOptions, parts_of, read_answer, tables_of, with_statuses
from ._settings import Settings, settings_of
from ._times import Time, time_value
from ._training_sets import results_of
from ._transport import Transport, path_of

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

# Longer than the server lets a statement run.
_SQL_MARGIN_S = 30.0
_SQL_S = 30


class Client:
    """A Millrace server, for one caller. Several threads may use it.

    Frames may be of pandas, of polars or of Arrow, or lists of mappings; what comes back is of the
    same kind (of lists: Arrow), with the same rows in the same order.
    """

    datasets: Datasets

    def __init__(self, settings: Settings, timeout: float) -> None:
        self._settings = settings
        self._timeout = timeout
        self._transport = Transport(settings)
        self._catalog = Catalog(self._transport, timeout)
        self.datasets = Datasets(self._transport, self._catalog, timeout)

    def __repr__(self) -> str:
        key = "without a key" if self._settings.key is None else "with a key"
        return f"<millrace.Client of {self._settings.url} {key}>"

    def __reduce__(self) -> NoReturn:
        # A pickle would have the key in it.
        raise TypeError("a client has connections and a key, and cannot be pickled: connect again")

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    # Definitions

    def definition(self, name: str) -> Definition:
        """The newest version of a service, view, on-demand feature, source or entity."""
        return self._catalog.find(name, tuple(reversed(KINDS)))

    def definitions(self, kind: str) -> list[Definition]:
        """All of a kind: entity, source, feature-view, on-demand-feature or feature-service."""
        return self._catalog.list(kind)

    # Reads

    @overload
    def read(
        self,
        target: str | Sequence[str],
        entities: FrameT,
        *,
        request: Mapping[str, Any] | None = None,
        at: Time | None = None,
        known: Time | None = None,
        after: str | None = None,
        wait_ms: int | None = None,
        with_status: bool = False,
        timeout: float | None = None,
    ) -> FrameT: ...
    @overload
    def read(
        self,
        target: str | Sequence[str],
        entities: Rows,
        *,
        request: Mapping[str, Any] | None = None,
        at: Time | None = None,
        known: Time | None = None,
        after: str | None = None,
        wait_ms: int | None = None,
        with_status: bool = False,
        timeout: float | None = None,
    ) -> pa.Table: ...
    def read(self, target: str | Sequence[str], entities: Any, **options: Any) -> Any:
        """The frame of entities, with the values of their features in further columns.

        :param target: name of a feature service or of a view, or features as ``view:feature``
        :param entities: a row for each entity, with its keys and the request inputs
        :param request: inputs that hold for all rows
        :param at: the event time of the values; default: now
        :param known: what the log had not accepted by then is left out; default: now
        :param after: a position of `publish`: the values have the events up to it
        :param with_status: whether each feature is followed by a column ``FEATURE__status``:
            present, null, not-found, expired or overflow
        :param timeout: of each request with its retries, seconds
        """
        return self.answer(target, entities, **options).frame

    @overload
    def answer(
        self,
        target: str | Sequence[str],
        entities: FrameT,
        *,
        request: Mapping[str, Any] | None = None,
        at: Time | None = None,
        known: Time | None = None,
        after: str | None = None,
        wait_ms: int | None = None,
        with_status: bool = False,
        timeout: float | None = None,
    ) -> Answer[FrameT]: ...
    @overload
    def answer(
        self,
        target: str | Sequence[str],
        entities: Rows,
        *,
        request: Mapping[str, Any] | None = None,
        at: Time | None = None,
        known: Time | None = None,
        after: str | None = None,
        wait_ms: int | None = None,
        with_status: bool = False,
        timeout: float | None = None,
    ) -> Answer[pa.Table]: ...
    def answer(
        self,
        target: str | Sequence[str],
        entities: Any,
        *,
        request: Mapping[str, Any] | None = None,
        at: Time | None = None,
        known: Time | None = None,
        after: str | None = None,
        wait_ms: int | None = None,
        with_status: bool = False,
        timeout: float | None = None,
    ) -> Any:
        """As `read`, with what the server says of the answer: its two times, the versions and the
        freshness of the views, and the statuses.

        A frame of more than 5,000 rows is read in several requests, one after the other. Without
        ``at`` each has a time of its own.
        """
        frame = view_of(entities)
        seconds = self._timeout if timeout is None else timeout
        options = ReadOptions(request, at, known, after, wait_ms, seconds)
        found, answers = read_answer(self._transport, self._catalog, target, frame, options)
        if any([n for n, _ in found.features] != list(one["features"]) for one in answers):
            self._catalog.forget()
            found, answers = read_answer(self._transport, self._catalog, target, frame, options)
        values, status = tables_of(found, answers, frame.rows)
        columns = with_statuses(values, status) if with_status else values
        frame.refuse_names(columns.column_names)
        names = tuple(values.column_names)
        return Answer(frame.with_columns(columns), names, status, parts_of(answers))

    # Training sets

    @overload
    def training_set(
        self,
        target: str,
        spine: FrameT,
        *,
        mode: Mode = "event-time",
        known: Time | None = None,
        with_status: bool = False,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> FrameT: ...
    @overload
    def training_set(
        self,
        target: str,
        spine: Rows,
        *,
        mode: Mode = "event-time",
        known: Time | None = None,
        with_status: bool = False,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> pa.Table: ...
    def training_set(
        self,
        target: str,
        spine: Any,
        *,
        mode: Mode = "event-time",
        known: Time | None = None,
        with_status: bool = False,
        timeout: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> Any:
        """The frame, with the features of each row at its own time in further columns.

        :param target: name of a feature service or of a view
        :param spine: a row for each example: the entity keys, ``event_timestamp``, the request
            inputs, and any other columns, which stay as they are and are not sent
        :param mode: ``event-time``: what was true at the row's time; ``as-served``: what a read
            would have answered then
        :param known: what is known, so that the same call gives the same values later
        :param timeout: seconds; None: as long as it takes
        """
        frame = view_of(spine)
        results = results_of(
            self.datasets,
            self._catalog.target(target),
            frame,
            mode=mode,
            known=None if known is None else time_value("known", known),
            with_status=with_status,
            timeout=timeout,
            on_progress=on_progress,
        )
        return frame.with_columns(results)

    # Events

    def publish(
        self, source: str, events: Frame | Rows, *, ignore_extra: bool = False
    ) -> Published:
        """Sends the rows of a frame as events of a source, in their order.

        The same frame published again counts nothing twice, and completes what was missing. To
        count equal events again on purpose, use a `producer`.

        :param ignore_extra: whether columns that are no fields are left out; else they are refused
        """
        lines = self._lines(source, events, ignore_extra)
        batches = self._batches(source, f"frame-{digest_of(source, lines)[:32]}")
        return batches.publish(lines, 0, batches.next())

    def producer(self, source: str, name: str) -> Producer:
        """A producer that numbers its events, in the order of its frames.

        :param name: the same after a restart of the program; used by one program at a time
        """
        return Producer(self, source, checked_producer(name))

    def _lines(self, source: str, events: Frame | Rows, ignore_extra: bool) -> list[bytes]:
        return event_lines(self._catalog.show("source", source), view_of(events), ignore_extra)

    def _batches(self, source: str, producer: str) -> Batches:
        return Batches(self._transport, source, producer, self._timeout)

    # Questions

    def explain(
        self,
        feature: str,
        entity: Mapping[str, Any],
        *,
        request: Mapping[str, Any] | None = None,
        at: Time | None = None,
        known: Time | None = None,
    ) -> _explanations.Explanation:
        """Why a feature has its value, down to the raw events.

        :param feature: ``view:feature``, or the name of an on-demand feature
        """
        return _explanations.explain(
            self._transport,
            self._catalog,
            feature,
            entity,
            request=request,
            at=at,
            known=known,
            timeout=self._timeout,
        )

    @overload
    def sql(
        self,
        statement: str,
        *,
        to: Literal["arrow"] = "arrow",
        known: Time | None = None,
        engine: str | None = None,
        seconds: int | None = None,
        rows: int | None = None,
    ) -> pa.Table: ...
    @overload
    def sql(
        self,
        statement: str,
        *,
        to: Literal["pandas"],
        known: Time | None = None,
        engine: str | None = None,
        seconds: int | None = None,
        rows: int | None = None,
    ) -> pd.DataFrame: ...
    @overload
    def sql(
        self,
        statement: str,
        *,
        to: Literal["polars"],
        known: Time | None = None,
        engine: str | None = None,
        seconds: int | None = None,
        rows: int | None = None,
    ) -> pl.DataFrame: ...
    def sql(
        self,
        statement: str,
        *,
        to: Kind = "arrow",
        known: Time | None = None,
        engine: str | None = None,
        seconds: int | None = None,
        rows: int | None = None,
    ) -> Any:
        """The result of a read-only statement, whole. Times are in microseconds.

        :param known: what the log had not accepted by then is not in the tables; default: now
        :param seconds: limit of its time; :param rows: of its rows. Above a limit it is refused
        """
        limits = {"seconds": seconds, "rows": rows}
        table = _sql.query(
            self._transport,
            statement,
            engine=engine,
            known=None if known is None else time_value("known", known),
            limits={name: limit for name, limit in limits.items() if limit is not None},
            timeout=max(self._timeout, (seconds or _SQL_S) + _SQL_MARGIN_S),
        )
        return frame_of(table, to)

    def tables(self) -> list[_sql.Table]:
        """The tables that statements of this caller may read."""
        return _sql.tables(self._transport, self._timeout)

    def skew(
        self,
        service: str,
        *,
        since: Time | None = None,
        until: Time | None = None,
        timeout: float = 300.0,
    ) -> Mapping[str, Any]:
        """Logged answers compared with event-time values, feature by feature, as HTTP has it."""
        times = {"since": since, "until": until}
        report: Mapping[str, Any] = self._transport.json(
            "GET",
            path_of("v1", "services", service, "skew"),
            query={name: time_value(name, t) for name, t in times.items() if t is not None},
            timeout=timeout,
        )
        return report


class Producer:
    """A named producer of a source: events that are published twice count twice, unless the first
    time failed on the way. Then publish the same frame again: it goes on where it stopped."""

    def __init__(self, client: Client, source: str, name: str) -> None:
        self._client = client
        self._source = source
        self._name = name
        self._numbers = Numbers()

    def __repr__(self) -> str:
        return f"<millrace.Producer {self._name!r} of {self._source!r}>"

    def publish(self, events: Frame | Rows, *, ignore_extra: bool = False) -> Published:
        """Sends the rows of a frame as events, after those that were published before."""
        lines = self._client._lines(self._source, events, ignore_extra)
        return self._numbers.publish(self._client._batches(self._source, self._name), lines)


def connect(
    url: str | None = None,
    *,
    api_key: str | None = None,
    timeout: float = 30.0,
    ca: str | None = None,
    certificate: tuple[str, str] | None = None,
    actor: str | None = None,
) -> Client:
    """A client of a server. Nothing is sent yet.

    :param url: default: ``MILLRACE_URL``, else ``http://127.0.0.1:7411``
    :param api_key: an API key or a token; default: ``MILLRACE_API_KEY``, else the content of the
        file ``MILLRACE_API_KEY_FILE``
    :param timeout: of each request with its retries, seconds
    :param ca: file of the authority that signed the server's certificate (``MILLRACE_CA``)
    :param certificate: files of the client's certificate and of its key (``MILLRACE_CLIENT_CERT``,
        ``MILLRACE_CLIENT_KEY``)
    :param actor: name of the caller, for a server without keys (``MILLRACE_ACTOR``)
    """
    return Client(settings_of(url, api_key, ca, certificate, actor), timeout)
