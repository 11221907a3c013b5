"""Connections: retries, deadlines, and a key that is nowhere to be seen."""

from __future__ import annotations

import copy
import pickle
import time
from pathlib import Path

import oracle
import pytest
from proxy import (
    Exchange,
    Fault,
    Proxy,
    answering,
    cut_answer,
    first_batch,
    half_answer,
    lose_answer,
    lose_request,
)

import millrace

KEYS = [{"shop": "a", "branch": 1}]
BUSY = '{"code":"MR_OVERLOADED","message":"busy","details":{"retryAfterMs":20}}'


def test_temporary_failures_are_repeated(through: millrace.Client, proxy: Proxy) -> None:
    wanted = through.read("totals", KEYS, at=oracle.END)
    proxy.faults = [
        lose_request, lose_answer, cut_answer, answering(503, BUSY), answering(502, "bad gateway"),
        answering(429, '{"code":"MR_RATE_LIMITED","message":"slowly"}'),
    ]  # fmt: skip
    assert through.read("totals", KEYS, at=oracle.END).equals(wanted)
    assert proxy.faults == []


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, '{"code":"MR_BODY_INVALID","message":"no"}', "MR_BODY_INVALID"),
        (429, '{"code":"MR_QUOTA_EXCEEDED","message":"tomorrow"}', "MR_QUOTA_EXCEEDED"),
        (500, '{"code":"MR_INTERNAL","message":"bug"}', "MR_INTERNAL"),
        (500, "<html>", "MR_UNREACHABLE"),
        (404, "not here", "MR_UNREACHABLE"),
        (200, "not JSON", "MR_UNREACHABLE"),
        (200, "{}]", "MR_UNREACHABLE"),
        (400, '["MR_X"]', "MR_UNREACHABLE"),
    ],
)
def test_other_failures_are_not(
    through: millrace.Client, proxy: Proxy, status: int, body: str, code: str
) -> None:
    proxy.faults = [answering(status, body)]
    with pytest.raises(millrace.MillraceError) as failed:
        through.definition("totals")
    assert failed.value.code == code
    assert len(proxy.seen) == 1
    assert str(failed.value).startswith(f"{code}: ")


def test_a_redirect_is_not_followed(through: millrace.Client, proxy: Proxy, url: str) -> None:
    proxy.faults = [answering(307, "", location=f"{url}/v1/registry/entity")]
    with pytest.raises(millrace.MillraceError, match="answered 307"):
        through.definitions("entity")


def test_a_call_ends_at_its_deadline(proxy: Proxy) -> None:
    def hang(exchange: Exchange) -> None:
        time.sleep(1.5)
        exchange.drop()

    with millrace.connect(proxy.url, timeout=0.3) as hasty:
        proxy.faults = [hang]
        with pytest.raises(millrace.MillraceError) as failed:
            hasty.definitions("entity")
        assert (failed.value.code, failed.value.status) == ("MR_DEADLINE", 504)
        # Refused again and again: the last refusal is the error.
        proxy.faults = [answering(503, BUSY)] * 1_000
        with pytest.raises(millrace.MillraceError) as failed:
            hasty.definitions("entity")
        # An attempt may be under way at the deadline.
        assert failed.value.code in ("MR_OVERLOADED", "MR_DEADLINE")
        assert 0 < len(proxy.faults) < 999


def test_nobody_answers() -> None:
    with millrace.connect("http://127.0.0.1:1", api_key="k", timeout=0.2) as alone:
        with pytest.raises(millrace.MillraceError) as failed:
            alone.definitions("entity")
    assert (failed.value.code, failed.value.status) == ("MR_UNREACHABLE", 503)
    assert "http://127.0.0.1:1" in failed.value.message


@pytest.mark.parametrize("cut", [cut_answer, half_answer, first_batch])
def test_a_cut_stream_is_no_result(through: millrace.Client, proxy: Proxy, cut: Fault) -> None:
    proxy.faults = [cut]
    with pytest.raises(millrace.MillraceError) as failed:
        through.sql("SELECT * FROM range(90000)")
    assert failed.value.code == "MR_UNREACHABLE"
    # The connection was closed, and the next call has another one.
    assert through.sql("SELECT 1 AS x").to_pylist() == [{"x": 1}]


def test_the_key_is_nowhere_to_be_seen(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    secret = "mr_secret-0123456789"
    monkeypatch.setenv("MILLRACE_API_KEY", secret)
    for client in (millrace.connect(url, api_key=secret), millrace.connect(url)):
        shown = [repr(client), str(client), repr(vars(client)), repr(client.producer("a", "b"))]
        with pytest.raises(millrace.MillraceError) as refused:
            client.read("totals", KEYS)
        assert (refused.value.code, refused.value.status) == ("MR_UNAUTHENTICATED", 401)
        shown += [str(refused.value), repr(refused.value), repr(refused.value.details)]
        assert not [text for text in shown if secret in text]
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(client)
        with pytest.raises(TypeError):
            copy.deepcopy(client)
        client.close()


@pytest.mark.parametrize("key", ["", "two words", "line\n", "é"])
def test_what_is_no_key_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(millrace.MillraceError) as refused:
        millrace.connect(api_key=key)
    assert refused.value.code == "MR_PARAMETER_INVALID"
    assert key == "" or key not in str(refused.value)


def test_the_key_may_be_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, client: millrace.Client
) -> None:
    import os

    path = tmp_path / "key"
    path.write_text(f"{os.environ['MILLRACE_API_KEY']}\n")
    monkeypatch.delenv("MILLRACE_API_KEY")
    monkeypatch.setenv("MILLRACE_API_KEY_FILE", str(path))
    with millrace.connect() as found:
        assert found.read("totals", KEYS).num_rows == 1
    monkeypatch.setenv("MILLRACE_API_KEY_FILE", str(tmp_path / "absent"))
    with pytest.raises(millrace.MillraceError, match="cannot be read"):
        millrace.connect()


@pytest.mark.parametrize(
    "url", ["ftp://x", "localhost:7411", "http://", "http://user:s3cret@x", "http://x/?a=1"]
)
def test_addresses(url: str) -> None:
    with pytest.raises(millrace.MillraceError) as refused:
        millrace.connect(url)
    assert refused.value.code == "MR_PARAMETER_INVALID"
    assert "s3cret" not in refused.value.message


def test_an_error_survives_pickling() -> None:
    """Errors of worker processes are pickled."""
    error = millrace.MillraceError("MR_NOT_FOUND", "nothing", {"name": "x"})
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.message, again.status, again.details) == (
        "MR_NOT_FOUND",
        "nothing",
        404,
        {"name": "x"},
    )
    assert "millrace list" in again.remedy
    newer = millrace.MillraceError("MR_NEW_IN_2030", "?")
    assert (newer.status, newer.remedy, newer.is_temporary) == (500, "", False)


def test_several_threads_use_one_client(client: millrace.Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    wanted = client.read("totals", KEYS, at=oracle.END)
    with ThreadPoolExecutor(16) as pool:
        found = list(
            pool.map(lambda _: client.read("totals", KEYS, at=oracle.END), range(64))
        )
    assert all(one.equals(wanted) for one in found)
