"""Where the server is, and who calls: from arguments, else from the variables of the CLI."""

from __future__ import annotations

import getpass
import os
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ._errors import refuse

DEFAULT_URL = "http://127.0.0.1:7411"
_KEY = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Settings:
    url: str
    """without a slash at the end"""
    actor: str
    """name of the caller, for a server without keys"""
    key: str | None = field(repr=False)
    ca: str | None
    """file of the authority that signed the server's certificate"""
    certificate: tuple[str, str] | None = field(repr=False)
    """files of the client's certificate and of its key"""


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        refuse(
            "MR_PARAMETER_INVALID",
            "the url must have no user and no password: give the key as api_key",
            parameter="url",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        refuse(
            "MR_PARAMETER_INVALID",
            f"the url must be an http or https address, not {url!r}",
            parameter="url",
        )
    if parts.query or parts.fragment:
        refuse(
            "MR_PARAMETER_INVALID",
            f"the url must end with its path, without ? and #: {url!r}",
            parameter="url",
        )
    return url.rstrip("/")


def _checked_key(key: str, where: str) -> str:
    # The message must not quote the key.
    if _KEY.fullmatch(key) is None:
        refuse("MR_PARAMETER_INVALID", f"{where} must be one key and nothing else", parameter=where)
    return key


def _key(given: str | None) -> str | None:
    if given is not None:
        return _checked_key(given, "api_key")
    text = os.environ.get("MILLRACE_API_KEY")
    if text is not None:
        return _checked_key(text, "MILLRACE_API_KEY")
    path = os.environ.get("MILLRACE_API_KEY_FILE")
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return _checked_key(file.read().strip(), "MILLRACE_API_KEY_FILE")
    except (OSError, UnicodeDecodeError) as error:
        refuse(
            "MR_PARAMETER_INVALID",
            f"MILLRACE_API_KEY_FILE {path} cannot be read: {type(error).__name__}",
            parameter="MILLRACE_API_KEY_FILE",
        )


def _actor() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def settings_of(
    url: str | None,
    api_key: str | None,
    ca: str | None,
    certificate: tuple[str, str] | None,
    actor: str | None,
) -> Settings:
    env = os.environ.get
    cert, key = env("MILLRACE_CLIENT_CERT"), env("MILLRACE_CLIENT_KEY")
    if certificate is None and cert is not None and key is not None:
        certificate = (cert, key)
    return Settings(
        url=_checked_url(url if url is not None else env("MILLRACE_URL", DEFAULT_URL)),
        actor=actor if actor is not None else env("MILLRACE_ACTOR") or _actor(),
        key=_key(api_key),
        ca=ca if ca is not None else env("MILLRACE_CA"),
        certificate=certificate,
    )
