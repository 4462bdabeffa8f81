"""What an XML file begins with: decides whether it is read at all, and as what."""

from pathlib import Path
from typing import Any, cast

from lxml import etree

from contexts.events.application.ports import FeedFailed
from contexts.events.infrastructure.feeds.fields import shown

CHUNK = 64 * 1024
SAFELY: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
    "remove_blank_text": True,
    "collect_ids": False,
}


class _Found(Exception):
    """What a feed begins with, as soon as it is known."""


class _Prologue:
    """A parser target that stops at what comes first: a document type or the root element.

    A document type may define entities, so nothing after it is looked at.
    """

    def doctype(self, name: str | None, *_: object) -> None:
        if name and name.lower() == "html":
            raise FeedFailed("the feed is an HTML page")
        raise FeedFailed("the feed declares a document type, which feeds don't")

    def start(self, tag: str, _: object) -> None:
        raise _Found(tag)

    def close(self) -> None:
        """Asked for by lxml."""


def root_of(path: Path, known: tuple[str, ...]) -> str:
    """The name of the root element of the feed at `path`, which is one of `known`.

    Raise FeedFailed, XMLSyntaxError or OSError where there is none.
    """
    parser = etree.XMLParser(target=cast(Any, _Prologue()), **SAFELY)
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                parser.feed(chunk)
            if file.tell() == 0:
                raise FeedFailed("the feed is empty")
        parser.close()
    except _Found as found:
        root = str(found)
    else:
        raise FeedFailed("the feed has no root element")
    if root.lower() == "html":
        raise FeedFailed("the feed is an HTML page")
    if root not in known:
        raise FeedFailed(f"the root element is {shown(root)}, not {' or '.join(known)}")
    return root
