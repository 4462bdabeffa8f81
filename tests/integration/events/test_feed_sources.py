"""Feed sources against a real server that hangs, cuts, lies and sends bombs."""

import asyncio
import gzip
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from contexts.events.application.ports import FeedFailed, Fetched, Validators
from contexts.events.infrastructure.feeds.formats import sniff
from contexts.events.infrastructure.feeds.sources import FeedSources, FetchLimits
from misbehaving import Answer, drip, ok, provider, says

BODY = (
    b'<planList><base_plan base_plan_id="1" title="Lamps" sell_mode="online">'
    b'<plan plan_id="2" plan_start_date="2026-06-30T21:00:00"/></base_plan></planList>'
)
NOTHING = Validators()
LIMITS = FetchLimits(connect_seconds=5, read_seconds=5, total_seconds=10, max_bytes=100_000)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    left = tmp_path / "temporary"
    left.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(left))
    yield
    assert list(left.iterdir()) == []


async def content(url: str, limits: FetchLimits = LIMITS) -> bytes:
    async with FeedSources(limits).fetch(url, NOTHING) as fetched:
        assert fetched.path is not None
        found = fetched.path.read_bytes()
        assert fetched.bytes == len(found)
        return found


async def failure(url: str, limits: FetchLimits = LIMITS) -> FeedFailed:
    with pytest.raises(FeedFailed) as failed:
        async with FeedSources(limits).fetch(url, NOTHING):
            pass
    return failed.value


async def test_a_feed_arrives_whole_with_what_to_ask_next_time() -> None:
    changed = "Last-Modified: Mon, 02 Nov 2026 10:00:00 GMT"
    async with (
        provider(ok(BODY, 'ETag: "a1"', changed)) as server,
        FeedSources(LIMITS).fetch(server.url, NOTHING) as fetched,
    ):
        assert fetched.validators == Validators('"a1"', "Mon, 02 Nov 2026 10:00:00 GMT")
        assert fetched.path is not None
        assert fetched.path.read_bytes() == BODY
        assert len(list(sniff(fetched.path)(fetched.path))) == 1
    assert b"if-none-match" not in server.asked[0].lower()


async def test_a_feed_that_has_not_changed_is_not_sent_again() -> None:
    known = Validators('"a1"', "Mon, 02 Nov 2026 10:00:00 GMT")
    async with (
        provider(says("304 Not Modified")) as server,
        FeedSources(LIMITS).fetch(server.url, known) as fetched,
    ):
        assert fetched == Fetched(path=None, validators=known, bytes=0)
    asked = server.asked[0].decode().lower()
    assert 'if-none-match: "a1"' in asked
    assert "if-modified-since: mon, 02 nov 2026 10:00:00 gmt" in asked


async def test_a_304_that_nobody_asked_for_fails() -> None:
    async with provider(says("304 Not Modified")) as server:
        assert str(await failure(server.url)) == "the provider answered 304 Not Modified"


async def test_a_validator_that_cannot_be_sent_back_is_forgotten() -> None:
    async with (
        provider(ok(BODY, 'ETag: "\u00e4"')) as server,
        FeedSources(LIMITS).fetch(server.url, NOTHING) as fetched,
    ):
        assert fetched.validators == NOTHING


async def test_a_compressed_feed_is_kept_as_plain_bytes() -> None:
    async with provider(ok(gzip.compress(BODY), "Content-Encoding: gzip")) as server:
        assert await content(server.url) == BODY


async def test_a_bomb_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < LIMITS.max_bytes
    async with provider(ok(bomb, "Content-Encoding: gzip")) as server:
        assert str(await failure(server.url)) == "the feed is larger than 100000 bytes"


async def test_broken_compression_fails() -> None:
    async with provider(ok(b"not gzip at all", "Content-Encoding: gzip")) as server:
        assert str(await failure(server.url)) == "the feed's compression is broken"


async def test_an_encoding_that_was_not_asked_for_fails() -> None:
    async with provider(ok(BODY, "Content-Encoding: exi")) as server:
        assert str(await failure(server.url)) == "the feed is encoded as exi, unasked"


async def test_a_feed_that_announces_too_much_is_not_even_begun() -> None:
    async with provider(says("200 OK\r\nContent-Length: 100001")) as server:
        assert "larger than 100000 bytes" in str(await failure(server.url))


async def test_a_feed_that_never_ends_stops_at_the_limit() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"<plan/>" * 1000)
            await writer.drain()

    async with provider(endless) as server:
        assert "larger than 100000 bytes" in str(await failure(server.url))


async def test_a_provider_that_hangs_is_given_up() -> None:
    done = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        await done.wait()

    async with provider(hang) as server:
        hasty = FetchLimits(read_seconds=0.05)
        assert str(await failure(server.url, hasty)) == "the provider sent nothing for 0.05 s"
        done.set()


async def test_a_provider_that_drips_is_given_up_at_the_deadline() -> None:
    async with provider(drip) as server:
        hasty = FetchLimits(read_seconds=5, total_seconds=0.2)
        reason = "the feed did not arrive whole within 0.2 s"
        assert str(await failure(server.url, hasty)) == reason


@pytest.mark.parametrize(
    "answer",
    [
        says("200 OK\r\nContent-Length: 1000", BODY),
        says("200 OK\r\nTransfer-Encoding: chunked", b"5\r\n<plan"),
        says("200 OK\r\nTransfer-Encoding: chunked", b"zz\r\n"),
        says("200 OK\r\nContent-Length: much", BODY),
        says("what?"),
    ],
)
async def test_a_connection_that_is_cut_or_broken_fails(answer: Answer) -> None:
    async with provider(answer) as server:
        assert "the connection broke off" in str(await failure(server.url))


async def test_a_provider_that_closes_without_a_word_fails() -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with provider(hang_up) as server:
        assert "the connection broke off" in str(await failure(server.url))


async def test_a_feed_that_is_longer_than_announced_is_found_out_by_its_parser() -> None:
    async with (
        provider(says("200 OK\r\nContent-Length: 50", BODY)) as server,
        FeedSources(LIMITS).fetch(server.url, NOTHING) as fetched,
    ):
        assert fetched.path is not None
        with pytest.raises(FeedFailed, match="not well-formed"):
            list(sniff(fetched.path)(fetched.path))


async def test_a_web_page_is_found_out_by_its_first_bytes() -> None:
    async with (
        provider(ok(b"<!DOCTYPE html><html>Sorry</html>")) as server,
        FeedSources(LIMITS).fetch(server.url, NOTHING) as fetched,
    ):
        assert fetched.path is not None
        with pytest.raises(FeedFailed, match="is an HTML page"):
            sniff(fetched.path)


async def test_nobody_there_fails() -> None:
    async with provider() as server:
        pass
    assert "the provider cannot be reached" in str(await failure(server.url))


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("503 Sorry", "503 Service Unavailable"),
        ("404 Not Found", "404 Not Found"),
        ("204 No Content", "204 No Content"),
        ("599 Weird", "599"),
    ],
)
async def test_any_other_status_fails(head: str, reason: str) -> None:
    async with provider(says(head)) as server:
        failed = await failure(server.url)
        assert str(failed) == f"the provider answered {reason}"
        assert failed.retry_after is None


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        ("120", 120),
        (timedelta(days=1), 86_400),
        ("Mon, 02 Nov 2020 10:00:00 GMT", 0),
        ("soon", None),
    ],
)
async def test_a_provider_may_ask_for_patience(
    stated: str | timedelta, seconds: float | None
) -> None:
    if isinstance(stated, timedelta):
        stated = format_datetime(datetime.now(UTC) + stated, usegmt=True)
    async with provider(says(f"503 Busy\r\nRetry-After: {stated}")) as server:
        wanted = (await failure(server.url)).retry_after
        assert wanted == (None if seconds is None else pytest.approx(seconds, abs=300))


async def test_redirects_are_followed() -> None:
    moved = says("302 Found\r\nLocation: /there")
    async with provider(moved, ok(BODY)) as server:
        assert await content(f"{server.url}/here") == BODY
        assert server.asked[1].startswith(b"GET /there ")


async def test_the_body_of_a_redirect_is_not_read() -> None:
    done = asyncio.Event()

    async def moved(writer: asyncio.StreamWriter) -> None:
        await says("302 Found\r\nLocation: /there\r\nContent-Length: 9999999")(writer)
        await done.wait()

    async with provider(moved, ok(BODY)) as server:
        assert await content(server.url) == BODY
        done.set()


async def test_a_password_is_not_taken_to_another_host() -> None:
    async with provider(ok(BODY)) as other:
        async with provider(says(f"302 Found\r\nLocation: {other.url}/")) as server:
            await content(server.url.replace("//", "//ann:secret@"))
            assert b"authorization: basic" in server.asked[0].lower()
        assert b"authorization" not in other.asked[0].lower()


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/hostname", "the provider redirects to a file: address"),
        ("ftp://127.0.0.1/feed", "the provider redirects to a ftp: address"),
        ("http://lamp.example:port/", "the provider redirects to something that is not a URL"),
    ],
)
async def test_a_redirect_out_of_http_fails(location: str, reason: str) -> None:
    async with provider(says(f"302 Found\r\nLocation: {location}")) as server:
        assert str(await failure(server.url)) == reason


async def test_redirects_in_a_circle_fail() -> None:
    async with provider(*[says("307 Again\r\nLocation: /")] * 9) as server:
        assert str(await failure(server.url)) == "the provider redirects more than 5 times"
        assert len(server.asked) == 6


async def test_secrets_of_the_url_stay_out_of_messages_and_logs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx2")  # It is made quiet where the API was started.
    async with provider(says("503 Sorry"), says("what?")) as server:
        url = server.url.replace("//", "//ann:secret@") + "/feed?key=secret"
        messages = [str(await failure(url)) for _ in range(2)]
    messages.append(str(await failure(url)))
    messages.append(str(await failure("http://ann:secret@nowhere.invalid:port/")))
    assert "secret" not in "".join(messages)
    logged = "".join(record.getMessage() for record in caplog.records if record.name == "httpx2")
    assert "HTTP Request" in logged
    assert "secret" not in logged


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://lamp.example/feed", "not over ftp"),
        ("http://", "the feed's address has no host to ask"),
        ("http://[", "the feed's address is not a URL"),
        ("http://lamp.example:port/", "the feed's address is not a URL"),
        ("file://lamp.example/feed.xml", "names no host but this one"),
    ],
)
async def test_an_address_that_leads_nowhere_fails(url: str, reason: str) -> None:
    assert reason in str(await failure(url))


async def test_a_file_is_read_where_it_lies_and_stays_there(tmp_path: Path) -> None:
    file = tmp_path / "a feed.xml"
    file.write_bytes(BODY)
    assert await content(str(file)) == await content(file.as_uri()) == BODY
    async with FeedSources(LIMITS).fetch(str(file), NOTHING) as fetched:
        assert fetched.path == file
    assert file.exists()


async def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_bytes(BODY)
    async with FeedSources(LIMITS).fetch(str(file), NOTHING) as fetched:
        known = fetched.validators
    async with FeedSources(LIMITS).fetch(str(file), known) as fetched:
        assert fetched == Fetched(path=None, validators=known, bytes=0)
    file.write_bytes(BODY + b"\n")
    async with FeedSources(LIMITS).fetch(str(file), known) as fetched:
        assert fetched.path == file


async def test_what_is_not_a_file_fails(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(bytes(100_001))
    reasons = {
        "nowhere": "the file nowhere cannot be read: No such file or directory",
        "": "is a folder, not a feed",
        "pipe": "pipe is not a regular file",
        "large": "the feed is larger than 100000 bytes",
        "a\x00b": "cannot be read: not a path",
    }
    for name, reason in reasons.items():
        assert reason in str(await failure(f"{tmp_path}/{name}"))
