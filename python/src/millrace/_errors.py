"""What a request can be refused with, and what a caller is warned about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from ._codes import ERRORS


class MillraceError(Exception):
    """A refusal of the server, or of this client before it sends anything.

    ``code`` is stable, such as ``MR_NOT_FOUND``. ``details`` names the value, the row or the limit
    that is meant.
    """

    code: str
    message: str
    status: int
    """the HTTP status that goes with the code"""
    details: Mapping[str, Any]

    def __init__(
        self,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        status: int | None = None,
    ) -> None:
        # All of them are arguments, so that the error of a worker process can be pickled.
        super().__init__(code, message, details, status)
        self.code = code
        self.message = message
        self.details = {} if details is None else details
        # A newer server may have codes that this version does not know.
        self.status = status if status is not None else ERRORS.get(code, (500, ""))[0]

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def remedy(self) -> str:
        """What to do, in general; empty for a code that this version does not know."""
        return ERRORS.get(self.code, (500, ""))[1]

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed shortly. A daily quota is not restored so soon."""
        return self.status == 503 or self.code == "MR_RATE_LIMITED"


class MillraceWarning(UserWarning):
    """Something that was done, and that you should know of."""


def refuse(code: str, message: str, **details: object) -> NoReturn:
    """Raises a refusal of this client."""
    raise MillraceError(code, message, details)
