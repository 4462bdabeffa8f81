"""What of a conversation fits into the context of a model; sizes are in tokens, estimated."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from contexts.conversations.infrastructure.model_assistant.exchanges import (
    Exchange,
    Sized,
    Step,
    in_turns,
)
from shared.application.language_model import ChatMessage, Tool

_BYTES = 3
"""Of a token, on the safe side: English has four or five, Chinese three, figures about three."""

_MESSAGE = 4
_CALL = 8
"""Tokens that a message and a tool call take besides what is in them."""

FULL, SHORT, SHORTEST = 6_000, 1_500, 400
"""Characters of a result that a model is shown: of what it asked just now, and of older ones."""


class Recalled(msgspec.Struct, frozen=True):
    """The end of a conversation, exchange by exchange, with the characters that each result in it
    may have; `dropped` is all that was before."""

    kept: tuple[tuple[Exchange, int], ...] = ()
    dropped: tuple[Exchange, ...] = ()


def tokens(text: str) -> int:
    return -(-len(text.encode()) // _BYTES)


def clipped(text: str, most: int) -> str:
    """The beginning of a text, in so many tokens."""
    return text.encode()[: most * _BYTES].decode(errors="ignore")


def size(messages: Iterable[ChatMessage], tools: Sequence[Tool] = ()) -> int:
    total = sum(_CALL + tokens(msgspec.json.encode(tool).decode()) for tool in tools)
    for message in messages:
        total += _MESSAGE + tokens(message.content)
        for call in message.tool_calls:
            total += _CALL + tokens(call.name) + tokens(call.arguments)
    return total


def recall(earlier: Sequence[Exchange], room: int) -> Recalled:
    """Results are shortened before anything is dropped, the oldest first; dropped are whole
    exchanges, and so many at once that there is room for some more: what a model gets then begins
    the same way for a while, which it reads faster, and the summary of the rest holds for longer.
    """
    sizes = [size(in_turns(each, SHORTEST)) for each in earlier]
    first, taken = 0, 0
    for number, needed in enumerate(sizes):
        taken += needed
        if taken > room:
            # What was said last stays as long as it fits at all.
            while taken > room // 2 and (first < number or (first == number and taken > room)):
                taken -= sizes[first]
                first += 1
    kept: list[tuple[Exchange, int]] = []
    left = room - taken
    for exchange in reversed(earlier[first:]):
        limit = SHORTEST
        more = size(in_turns(exchange, SHORT)) - size(in_turns(exchange, SHORTEST))
        if more <= left:
            limit, left = SHORT, left - more
        else:
            left = 0
        kept.append((exchange, limit))
    return Recalled(tuple(reversed(kept)), tuple(earlier[:first]))


def shortenings(steps: Sequence[Step]) -> Iterator[list[Sized]]:
    """Ways to show the steps of the answer that is being made, each smaller than the one before:
    what was found last keeps most."""
    if not steps:
        yield []
        return
    *older, last = steps
    for of_older, of_last in (
        (FULL, FULL),
        (SHORT, FULL),
        (SHORTEST, FULL),
        (SHORTEST, SHORT),
        (SHORTEST, SHORTEST),
    ):
        yield [*(Sized(step, of_older) for step in older), Sized(last, of_last)]
    for start in range(1, len(steps)):
        yield [Sized(step, SHORTEST) for step in steps[start:]]
