"""Large frames, sent in several requests one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from ._errors import MillraceError

T = TypeVar("T")

_TOO_LARGE = ("MR_QUERY_TOO_LARGE", "MR_BATCH_TOO_LARGE", "MR_BODY_TOO_LARGE")


def in_parts(rows: int, most: int, send: Callable[[int, int], T]) -> Iterator[T]:
    """Calls ``send(start, stop)`` for parts of ``most`` rows at most, in order.

    A server may have lower limits than usual: where it refuses a part for its size, parts are
    halved from there on.
    """
    start = 0
    while start < rows:
        stop = min(rows, start + most)
        try:
            sent = send(start, stop)
        except MillraceError as error:
            if error.code not in _TOO_LARGE or stop - start == 1:
                raise
            most = (stop - start + 1) // 2
            continue
        yield sent
        start = stop
