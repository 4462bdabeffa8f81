"""Reads the objects of a JSON file one at a time, however long the array that holds them.

The standard decoder finds the end of a value by itself, so what is needed on top of it is only to
give it more text when the text it has ends within a value.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal, InvalidOperation
from json import JSONDecodeError
from pathlib import Path
from typing import Any, TextIO

from contexts.events.application.ports import FeedFailed

CHUNK = 64 * 1024
MAX_DIGITS = 400
MAX_VALUE = 4 * 1024 * 1024
"""Characters in one element; also in all that a top-level object holds beside the array."""

_SPACE = re.compile(r"[ \t\r\n]*")
_AFTER_A_NUMBER = set(" \t\r\n,]}")


def elements(path: Path, arrays: Collection[str]) -> Iterator[Any]:
    """Yield the elements of the top-level array, or of those arrays of the top-level object that
    are its members named in `arrays`; where it has none of these, yield the object.

    Numbers with a fraction are Decimals. Raise FeedFailed for anything that json.loads would
    refuse, for an element beyond MAX_VALUE, and OSError when the file cannot be read.
    """
    try:
        # JSON is UTF-8 (RFC 8259, section 8.1), with a byte order mark that may be ignored.
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = _Text(file)
            match text.peek():
                case "":
                    raise FeedFailed("the feed is empty")
                case "[":
                    yield from text.array()
                case "{":
                    yield from text.object_or(arrays)
                case _:
                    raise FeedFailed("the feed is neither a JSON object nor an array")
            if text.peek():
                raise FeedFailed("the feed is not well-formed JSON: there is more after its end")
    except UnicodeDecodeError as error:
        raise FeedFailed("the feed is not encoded in UTF-8") from error
    except JSONDecodeError as error:
        raise FeedFailed(f"the feed is not well-formed JSON: {error.msg}") from error
    except (RecursionError, _NotANumber) as error:
        raise FeedFailed(f"the feed is not well-formed JSON: {error}") from error


class _NotANumber(Exception):
    """NaN and Infinity, which JSON does not have; a number too long to be one of anything."""


class _Text:
    """The part of a file that is being read: never much more than one value."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._held = ""
        self._at = 0
        self._length = 0
        decoder = json.JSONDecoder(
            parse_float=_fraction, parse_int=_integer, parse_constant=_refuse_constant
        )
        self._decode: Callable[[str, int], tuple[Any, int]] = decoder.raw_decode

    def peek(self) -> str:
        """The next character that is not a space; empty at the end of the file."""
        while True:
            self._at = _SPACE.match(self._held, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def value(self) -> Any:
        self.peek()
        while True:
            try:
                value, end = self._decode(self._held, self._at)
            except JSONDecodeError:
                # Either wrong or cut off by the end of what is held: more text tells.
                if not self._more():
                    raise
            else:
                # A number that is cut off ("1.", "1e+") is read as a shorter one.
                if self._is_whole(end) or not self._more():
                    self._length = end - self._at
                    self._at = end
                    return value

    def array(self) -> Iterator[Any]:
        self._take("[")
        if self.peek() == "]":
            self._take("]")
            return
        while True:
            yield self.value()
            if self.peek() == "]":
                self._take("]")
                return
            self._take(",")

    def object_or(self, arrays: Collection[str]) -> Iterator[Any]:
        members: dict[str, Any] = {}
        held = 0
        streamed = False
        self._take("{")
        closed = self.peek() == "}"
        while not closed:
            if self.peek() != '"':
                raise self._wrong("a name in quotes")
            name = self.value()
            self._take(":")
            if name in arrays and self.peek() == "[":
                streamed = True
                yield from self.array()
            else:
                members[name] = self.value()
                held += self._length
                if held > MAX_VALUE:
                    raise FeedFailed(f"an object of the feed is longer than {MAX_VALUE} characters")
            closed = self.peek() == "}"
            if not closed:
                self._take(",")
        self._take("}")
        if not streamed:
            yield members

    def _is_whole(self, end: int) -> bool:
        return self._held[self._at] in '"[{' or self._held[end : end + 1] in _AFTER_A_NUMBER

    def _take(self, expected: str) -> None:
        if self.peek() != expected:
            raise self._wrong(repr(expected))
        self._at += 1

    def _more(self) -> bool:
        """Hold more text, and no longer what is read; False at the end of the file."""
        rest = self._held[self._at :]
        if len(rest) > MAX_VALUE:
            raise FeedFailed(
                f"an element of the feed is not well-formed or longer than {MAX_VALUE} characters"
            )
        # As much again as there is, so that a long value is not decoded for every chunk.
        added = self._file.read(min(max(CHUNK, len(rest)), MAX_VALUE + CHUNK - len(rest)))
        if added:
            self._held, self._at = rest + added, 0
        return bool(added)

    def _wrong(self, expected: str) -> JSONDecodeError:
        return JSONDecodeError(f"{expected} is expected", self._held, self._at)


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _NotANumber(f"a number of {len(digits)} digits")
    return int(digits)


def _fraction(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise _NotANumber(f"the number {digits[:40]} is out of range") from None


def _refuse_constant(name: str) -> Any:
    raise _NotANumber(f"{name} is not a number of JSON")
