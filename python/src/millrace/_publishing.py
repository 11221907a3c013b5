"""Publishing frames, so that a repetition counts nothing twice.

Every batch has the producer's id and the number of its first event in the producer's own count; the
server counts an event of a number once. A frame's id is made of its events, as ``millrace publish``
makes that of a file: so the same frame published again, by a cell that is run again or after a
failure, is the same count, which goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._errors import MillraceError, MillraceWarning, refuse
from ._parts import in_parts
from ._transport import Transport, path_of

_MOST_EVENTS = 2_000
_MOST_PRODUCER = 200


@dataclass(frozen=True)
class RejectedEvent:
    """An event that does not fit its source. ``millrace rejected list`` has it too."""

    row: int
    """of the frame, from 0"""
    code: str
    field: str | None
    message: str


@dataclass(frozen=True)
class Published:
    accepted: int
    duplicates: int
    """events that the server had already, the rejected ones among them"""
    rejected: tuple[RejectedEvent, ...]
    position: str | None
    """A read with it as ``after`` has these events in its values; None: the frame has no rows."""
    producer: str


@dataclass(frozen=True)
class Batches:
    """Where the events of a producer go."""

    transport: Transport
    source: str
    producer: str
    timeout: float

    def next(self) -> int:
        """The number that the server expects of the producer."""
        answer = self.transport.json(
            "GET",
            path_of("v1", "sources", self.source, "producers", self.producer),
            timeout=self.timeout,
        )
        return int(answer["next"])

    def send(self, lines: Sequence[bytes], sequence: int) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self.transport.json(
            "POST",
            path_of("v1", "sources", self.source, "events"),
            body=b"\n".join(lines),
            headers={
                "content-type": "application/x-ndjson",
                "millrace-producer": self.producer,
                "millrace-sequence": str(sequence),
            },
            timeout=self.timeout,
        )
        return answer

    def publish(self, lines: Sequence[bytes], first: int, skip: int) -> Published:
        """
        :param first: the number of the first line
        :param skip: lines that the server has; at least one is sent all the same, for its position
        """
        # The position of the end is in the answer to the last batch.
        skip = min(skip, max(0, len(lines) - 1))
        accepted, duplicates, position = 0, skip, None
        rejected: list[RejectedEvent] = []

        def send(start: int, stop: int) -> tuple[int, Mapping[str, Any]]:
            at = skip + start
            return at, self.send(lines[at : skip + stop], first + at)

        for at, answer in in_parts(len(lines) - skip, _MOST_EVENTS, send):
            accepted += answer["accepted"]
            duplicates += answer["duplicates"]
            position = answer["position"]
            rejected += (
                RejectedEvent(at + one["index"], one["code"], one.get("field"), one["message"])
                for one in answer["rejected"]
            )
        if rejected:
            one = rejected[0]
            warnings.warn(
                f'{len(rejected)} of {len(lines)} events were rejected by "{self.source}", the '
                f"first in row {one.row}: {one.code} {one.message}",
                MillraceWarning,
                stacklevel=4,
            )
        return Published(accepted, duplicates, tuple(rejected), position, self.producer)


def digest_of(source: str, lines: Sequence[bytes]) -> str:
    digest = hashlib.sha256(source.encode())
    for line in lines:
        digest.update(b"\n")
        digest.update(line)
    return digest.hexdigest()


def checked_producer(name: str) -> str:
    if not (0 < len(name) <= _MOST_PRODUCER and name.isascii() and name.isprintable()):
        refuse(
            "MR_PARAMETER_INVALID",
            f"the name of a producer must have 1 to {_MOST_PRODUCER} characters of ASCII, "
            f"not {name!r}",
            parameter="producer",
        )
    return name


class Numbers:
    """The count of a named producer, in this process. One frame is published at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._next: int | None = None
        self._failed: tuple[str, int] | None = None

    def publish(self, batches: Batches, lines: Sequence[bytes]) -> Published:
        digest = digest_of(batches.source, lines)
        with self.lock:
            expected = batches.next() if self._next is None else self._next
            first = expected
            if self._failed is not None and self._failed[0] == digest:
                # It failed on the way: the same events have the same numbers.
                first = self._failed[1]
            try:
                published = batches.publish(lines, first, expected - first)
            except MillraceError:
                # Some of it may have been accepted: the next number is asked for again.
                self._failed, self._next = (digest, first), None
                raise
            self._failed, self._next = None, first + len(lines)
            return published
