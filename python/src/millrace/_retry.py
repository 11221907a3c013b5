"""Retries until a deadline, with full jitter: each wait is random between 0 and a bound that
doubles, so that clients that failed together do not return together."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from ._errors import MillraceError

T = TypeVar("T")

FIRST_S = 0.05
MOST_S = 2.0


def with_retries(
    call: Callable[[float], T],
    may_retry: Callable[[MillraceError], bool],
    deadline: float,
) -> T:
    """
    :param call: gets the deadline of all attempts together, in seconds of ``time.monotonic``
    :raises MillraceError: the last one, where it is not temporary or the next attempt would begin
        after the deadline
    """
    tries = 0
    while True:
        try:
            return call(deadline)
        except MillraceError as error:
            wait = random.random() * min(MOST_S, FIRST_S * 2**tries)
            after = error.details.get("retryAfterMs")
            if isinstance(after, (int, float)) and after > 0:
                wait += after / 1000
            if not may_retry(error) or time.monotonic() + wait >= deadline:
                raise
            tries += 1
        time.sleep(wait)
