"""Requests over HTTP, with kept-alive connections, deadlines and retries."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    TimeoutError,
)

from ._errors import MillraceError, refuse
from ._retry import with_retries
from ._settings import Settings

Json: TypeAlias = Any
"""A document of JSON: what the server's OpenAPI document says of the route"""

Query: TypeAlias = Mapping[str, "str | int | None"]

ARROW_STREAM = "application/vnd.apache.arrow.stream"
_CONNECT_S = 10.0
_CONNECTIONS = 8
# A proxy between the client and the server answers these when the server does not.
_GATEWAY_ERRORS = (502, 503, 504)


def path_of(*parts: str) -> str:
    """A path from parts, which may have any characters."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


class _NoServer(MillraceError):
    """Something else answers at the url."""

    @property
    def is_temporary(self) -> bool:
        return False


class Transport:
    """Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.url
        headers = {
            # HTTP has Latin-1 in headers; the server reads UTF-8.
            "x-millrace-actor": settings.actor.encode().decode("latin-1"),
            "accept": "application/json",
            "user-agent": "millrace-python",
        }
        if settings.key is not None:
            headers["authorization"] = f"Bearer {settings.key}"
        cert, key = settings.certificate or (None, None)
        try:
            self._pool = urllib3.PoolManager(
                maxsize=_CONNECTIONS,
                headers=headers,
                ca_certs=settings.ca,
                cert_file=cert,
                key_file=key,
            )
        except (OSError, ssl.SSLError) as error:
            refuse("MR_PARAMETER_INVALID", f"a file of TLS cannot be read: {error}")

    def close(self) -> None:
        self._pool.clear()

    def json(
        self,
        method: str,
        path: str,
        *,
        timeout: float,
        query: Query | None = None,
        body: Json | bytes = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """The answer, where it is JSON. After a temporary failure the request is sent again, so it
        must be one that may be carried out twice.

        :param timeout: of all attempts together, seconds
        :param body: bytes are sent as they are, with the content type of ``headers``
        """

        def once(deadline: float) -> Json:
            with self._open(method, path, query, body, headers, deadline) as answer:
                text = _read(answer, deadline, self.url)
            return _document(text, answer, self.url)

        return with_retries(once, _may_retry, time.monotonic() + timeout)

    @contextlib.contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        timeout: float,
        body: Json = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """An answer that is read while it arrives; beginning it is repeated, reading it is not."""

        def begin(deadline: float) -> Any:
            with contextlib.ExitStack() as stack:
                answer = stack.enter_context(
                    self._open(method, path, None, body, headers, deadline)
                )
                return answer, stack.pop_all()

        answer, stack = with_retries(begin, _may_retry, time.monotonic() + timeout)
        with stack:
            try:
                yield answer
            except HTTPError as error:
                raise _ended_early(self.url, error) from None

    @contextlib.contextmanager
    def _open(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: Json | bytes,
        headers: Mapping[str, str] | None,
        deadline: float,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        left = deadline - time.monotonic()
        if left <= 0:
            raise _late(self.url)
        given = {k: str(v) for k, v in (query or {}).items() if v is not None}
        address = f"{self.url}{path}{'?' + urlencode(given) if given else ''}"
        sent: dict[str, str] = {**self._pool.headers, **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            sent["content-type"] = "application/json"
        try:
            answer = self._pool.request(
                method,
                address,
                body=body,
                headers=sent,
                timeout=urllib3.Timeout(connect=min(_CONNECT_S, left), read=left),
                # A redirect could send the key elsewhere; retries are made above.
                redirect=False,
                retries=False,
                preload_content=False,
            )
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise _unreachable(self.url, error) from None
        except TimeoutError:
            raise _late(self.url) from None
        except HTTPError as error:
            raise MillraceError(
                "MR_UNREACHABLE", f"no answer from {self.url}: {error}", {"url": self.url}
            ) from None
        try:
            if answer.status >= 300:
                raise _refusal(answer, _read(answer, deadline, self.url), self.url)
            yield answer
            # What is left of the body would be taken for the next answer.
            answer.drain_conn()
        except BaseException:
            answer.close()
            raise
        finally:
            answer.release_conn()


def _may_retry(error: MillraceError) -> bool:
    return error.is_temporary


def _read(answer: urllib3.BaseHTTPResponse, deadline: float, url: str) -> bytes:
    pieces: list[bytes] = []
    try:
        for piece in answer.stream(1 << 20):
            pieces.append(piece)
            if time.monotonic() > deadline:
                raise _late(url)
    except TimeoutError:
        raise _late(url) from None
    except HTTPError as error:
        raise _ended_early(url, error) from None
    return b"".join(pieces)


def _document(text: bytes, answer: urllib3.BaseHTTPResponse, url: str) -> Json:
    try:
        if "json" in answer.headers.get("content-type", ""):
            return json.loads(text)
    except ValueError:
        pass
    raise _no_server(url, answer.status)


def _refusal(answer: urllib3.BaseHTTPResponse, text: bytes, url: str) -> MillraceError:
    try:
        problem = json.loads(text)
        code, message = problem["code"], problem["message"]
        if isinstance(code, str) and code.startswith("MR_"):
            return MillraceError(code, str(message), problem.get("details"), answer.status)
    except (ValueError, KeyError, TypeError):
        pass
    if answer.status in _GATEWAY_ERRORS:
        return MillraceError(
            "MR_UNREACHABLE",
            f"{url} answered {answer.status}, and not as a Millrace server: is it up?",
            {"url": url},
        )
    return _no_server(url, answer.status)


def _no_server(url: str, status: int) -> MillraceError:
    return _NoServer(
        "MR_UNREACHABLE",
        f"{url} answered {status}, and not as a Millrace server: is the url right?",
        {"url": url},
    )


def _unreachable(url: str, error: HTTPError) -> MillraceError:
    reason = str(error).rsplit("Failed to establish a new connection: ", 1)[-1]
    return MillraceError("MR_UNREACHABLE", f"no server answers at {url}: {reason}", {"url": url})


def _late(url: str) -> MillraceError:
    return MillraceError(
        "MR_DEADLINE",
        f"{url} did not answer in time: give a longer timeout, or request less",
        {"url": url},
    )


def _ended_early(url: str, error: HTTPError) -> MillraceError:
    return MillraceError(
        "MR_UNREACHABLE", f"the answer of {url} ended too early: {error}", {"url": url}
    )
