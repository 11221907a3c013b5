"""Streams of Arrow that the server sends."""

from __future__ import annotations

import io

import pyarrow as pa
import urllib3

from ._errors import MillraceError


class _Body(io.RawIOBase):
    """The body of an answer as a file, for Arrow's reader."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._pieces = answer.stream(1 << 20)
        self._piece = b""

    def read(self, size: int = -1) -> bytes:
        found: list[bytes] = []
        wanted = size
        while wanted != 0:
            if not self._piece:
                self._piece = next(self._pieces, b"")
                if not self._piece:
                    break
            taken = self._piece if wanted < 0 else self._piece[:wanted]
            self._piece = self._piece[len(taken) :]
            found.append(taken)
            wanted -= len(taken) if wanted > 0 else 0
        return b"".join(found)

    def readable(self) -> bool:
        return True


def read_table(answer: urllib3.BaseHTTPResponse, url: str, rows: int | None) -> pa.Table:
    """
    :param rows: how many there are; a stream that breaks off may end like a whole one
    """
    body = pa.PythonFile(_Body(answer), mode="r")
    try:
        with pa.ipc.open_stream(body) as reader:
            table = reader.read_all()
    except (pa.ArrowException, OSError) as error:
        raise MillraceError(
            "MR_UNREACHABLE", f"the answer of {url} is no whole stream of Arrow: {error}"
        ) from None
    if rows is not None and table.num_rows != rows:
        raise MillraceError(
            "MR_UNREACHABLE", f"{url} sent {table.num_rows} of {rows} rows: request it again"
        )
    return table
