"""The formats a feed may come in, and how to tell which one a file is in."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from pathlib import Path

from contexts.events.application.ports import FeedFailed, FeedParser, Parsers, Plan
from contexts.events.domain.provider_run import Quarantined
from contexts.events.infrastructure.feeds.fields import shown
from contexts.events.infrastructure.feeds.json_ld_feed import parse_json_ld_feed
from contexts.events.infrastructure.feeds.xml_feed import parse_xml_feed

_LOOKED_AT = 4096


def sniff(path: Path) -> FeedParser:
    """The parser for the file at `path`, by its first character that is not a space.

    Raise FeedFailed when it begins like none of the formats.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(_LOOKED_AT)
    except OSError as error:
        raise FeedFailed(f"the feed cannot be read: {error.strerror}") from error
    if not begin:
        raise FeedFailed("the feed is empty")
    if begin.startswith((BOM_UTF16_BE, BOM_UTF16_LE)):
        return parse_xml_feed  # JSON is UTF-8 (RFC 8259, section 8.1).
    begin = begin.removeprefix(BOM_UTF8).lstrip()
    if begin[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise FeedFailed("the feed is an HTML page")
    match begin[:1]:
        case b"<":
            return parse_xml_feed
        case b"{" | b"[":
            return parse_json_ld_feed
        case b"":
            raise FeedFailed("the feed is empty")
        case _:
            started = shown(begin[:20].decode("ascii", "replace"))
            raise FeedFailed(f"the feed is neither XML nor JSON: it begins with {started}")


def parse_feed(path: Path) -> Iterator[Plan | Quarantined]:
    """Yield the plans of a feed in whichever format it is."""
    yield from sniff(path)(path)


PARSERS: Parsers = {"auto": parse_feed, "xml": parse_xml_feed, "json-ld": parse_json_ld_feed}
