"""A proxy that loses requests and answers, for tests of retries."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TypeAlias
from urllib.parse import urlsplit

import pyarrow as pa

Answer: TypeAlias = "tuple[int, dict[str, str], bytes]"
Fault: TypeAlias = "Callable[[Exchange], None]"


class Exchange:
    """One request, which a fault may answer, forward or drop."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes, target: str) -> None:
        self._handler = handler
        self._body = body
        self._target = target
        self.method = handler.command
        self.path = handler.path

    def ask(self) -> Answer:
        """The server's answer, which the client does not have yet."""
        parts = urlsplit(self._target)
        server = http.client.HTTPConnection(parts.hostname or "", parts.port)
        headers = {k: v for k, v in self._handler.headers.items() if k.lower() != "host"}
        server.request(self.method, self.path, self._body or None, headers)
        found = server.getresponse()
        answer = found.status, dict(found.getheaders()), found.read()
        server.close()
        return answer

    def give(self, answer: Answer) -> None:
        status, headers, body = answer
        self._handler.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self._handler.send_header(name, value)
        self._handler.send_header("content-length", str(len(body)))
        self._handler.end_headers()
        self._handler.wfile.write(body)

    def drop(self) -> None:
        """Closes the connection."""
        self._handler.close_connection = True


def forward(exchange: Exchange) -> None:
    exchange.give(exchange.ask())


def lose_request(exchange: Exchange) -> None:
    exchange.drop()


def lose_answer(exchange: Exchange) -> None:
    exchange.ask()
    exchange.drop()


def cut_answer(exchange: Exchange) -> None:
    """The first half of the body, though all of it is announced."""
    status, headers, body = exchange.ask()
    handler = exchange._handler
    handler.send_response(status)
    handler.send_header("content-type", headers.get("content-type", "application/json"))
    for name in headers:
        if name.startswith("x-millrace"):
            handler.send_header(name, headers[name])
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    exchange.drop()


def half_answer(exchange: Exchange) -> None:
    """The first half of the body as if it were all of it."""
    status, headers, body = exchange.ask()
    exchange.give((status, headers, body[: len(body) // 2]))


def first_batch(exchange: Exchange) -> None:
    """Of a stream of Arrow, without its end: it looks like a whole one."""
    status, headers, body = exchange.ask()
    with pa.ipc.open_stream(body) as reader:
        sink = pa.BufferOutputStream()
        writer = pa.ipc.new_stream(sink, reader.schema)
        writer.write_batch(reader.read_next_batch())
        written = sink.getvalue().to_pybytes()
    assert 0 < len(written) < len(body)
    exchange.give((status, headers, written))


def answering(status: int, body: str, **headers: str) -> Fault:
    def fault(exchange: Exchange) -> None:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange.give((status, {"content-type": "application/json", **given}, body.encode()))

    return fault


class Proxy:
    """``faults`` are met by the next requests, in order; then it forwards. With ``method``, only
    requests of that method meet them."""

    def __init__(self, target: str) -> None:
        self.faults: list[Fault] = []
        self.seen: list[str] = []
        self.method: str | None = None
        lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                with lock:
                    proxy.seen.append(f"{self.command} {self.path}")
                    meant = proxy.method in (None, self.command)
                    fault = proxy.faults.pop(0) if proxy.faults and meant else forward
                with contextlib.suppress(ConnectionError):
                    fault(Exchange(self, body, target))

            do_GET = do_POST = do_DELETE = _handle

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
