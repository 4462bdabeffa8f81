"""What a message wants: which tool with which arguments, or what kind of reply."""

import re
from datetime import date, datetime

import msgspec

from contexts.conversations.application.content import Message
from contexts.conversations.infrastructure.offline_assistant.asking import (
    dataset_in,
    dated,
    described_in,
    named_in,
)
from contexts.conversations.infrastructure.offline_assistant.choosing import event_of, option_of
from contexts.conversations.infrastructure.offline_assistant.earlier import (
    NOTHING,
    Earlier,
    earlier,
)
from contexts.conversations.infrastructure.offline_assistant.evidence import (
    Evidence,
    counts_events,
    counts_these,
    is_grouped,
    weigh,
)
from contexts.conversations.infrastructure.offline_assistant.limits import (
    asks_for_a_place,
    asks_for_advice,
    beyond,
    is_foreign,
    is_open,
    is_question,
    is_statement,
)
from contexts.conversations.infrastructure.offline_assistant.message import Reading
from contexts.conversations.infrastructure.offline_assistant.phrases import begins, one_of, stands
from contexts.conversations.infrastructure.offline_assistant.searching import (
    Found,
    cheaper,
    search_of,
)
from contexts.conversations.infrastructure.offline_assistant.talking import talk_of
from contexts.conversations.infrastructure.offline_assistant.wishes import (
    CATALOGUE,
    Ask,
    Cannot,
    Describe,
    Detail,
    More,
    Search,
    Wish,
)

LONGEST = 1_000
"""Characters of a message that can still be a question or a search."""

_KIND = 2
"""Words that may say what kind of event is wanted, of those that were looked for."""

_NAME = 6
"""Words that may be the name of an event, where nothing tells what a message is about."""

_GOES_ON = begins(
    """
    and | only | just | but | now | also | without | except | excluding | exclude | including
    include | same | what about | how about | what if | for | in | on | by | per | as | with | not
    since | until | before | after | under | over | below | above | instead | rather | sort | order
    rank | group | split | top | bottom | first | last | make it | show (?:it|that|them|as)
    (?:draw|plot) (?:it|that) | then | or | any | anything | those | these | ok | okay | more | less
    the (?:week|month|year|day|same|cheapest|ones|other) | up to | at | a | from | between
    how (?:much|many) (?:more|less|fewer|higher|lower) | list (?:them|those|these) | difference
    (?:what|what's|whats|what is) the (?:difference|gap) | out of | both | half
    compare (?:them|those|these|both|the two)
    which (?:one|of) | are (?:there|any) | is there (?:one|any) | do (?:they|any) | is it | are they
    """
)
_INSTEAD = re.compile(r" (?:instead|rather|as well|too)(?: (?:please|\?))*$")
_MORE = re.compile(
    r"(?:(?:and |ok |please |yes |show |give |tell |list |are |is |me |us |the |there |any |i want "
    r"|can i (?:see|have) |what |see |all |do you have |something |anything )*)"
    + one_of(
        "more | next | rest | others | further | other ones | else | continue | go on | remaining"
    )
    + r"(?: (?:of (?:them|those|these)|events|results|ones|page|concerts|shows|please|options|there"
    r"|is|are))*"
)
_CHEAPER = stands(
    r"""
    (?:cheaper|less expensive|more affordable)(?! than \S*\d) | lower prices?d? | not so expensive
    too (?:expensive|dear|pricey) | something cheap
    """
)


def read(path: tuple[Message, ...], now: datetime) -> Wish:
    """What the last message of a path wants, given what was done before. Says nothing of its own,
    and reads the same message in the same place the same."""
    text = path[-1].text
    if len(text) > LONGEST:
        return Cannot("long")
    reading = Reading(text)
    before = earlier(path)
    if (option := option_of(reading, before.options)) is not None:
        return Ask(question=option["question"], dataset=option.get("dataset"))
    kinds = {word.kind for word in reading.words}
    if not kinds & {"word", "quoted", "date", "clock"} and not (
        "number" in kinds and (before.was_search or before.was_question)
    ):
        return Cannot("unclear")
    if (dataset := described_in(reading)) is not None:
        return Describe(dataset)
    if (said := talk_of(reading) or beyond(reading, text)) is not None:
        return said
    if is_foreign(reading):
        return Cannot("language")
    seen = weigh(reading)
    if before.was_search:
        return _after_search(reading, text, seen, before, now.date())
    if before.was_question:
        return _after_question(reading, text, seen, before, now.date())
    return _anew(reading, text, seen, now.date())


def _anew(
    reading: Reading, text: str, seen: Evidence, today: date, before: Earlier = NOTHING
) -> Wish:
    found = search_of(reading, today)
    if asks_for_advice(reading) and not (seen.ahead and seen.events):
        return Cannot("advice")
    if seen.figures or (seen.ranking and not (seen.events or seen.ahead or found.ordered)):
        return _ask(reading, text, seen, found, before, today)
    if seen.events or (found.changes and not (found.words and is_open(reading))):
        return _noted(reading, found.search)
    if is_question(reading):
        return _unknown(reading)
    if found.words and len(reading.words) <= _NAME and not is_statement(reading):
        return found.search
    return Cannot("unclear")


def _after_question(
    reading: Reading, text: str, seen: Evidence, before: Earlier, today: date
) -> Wish:
    goes_on = _goes_on(reading)
    catalogue = seen.events and not seen.figures
    if catalogue and (seen.ahead or not goes_on) and not seen.ranking:
        return _anew(reading, text, seen, today)
    if asks_for_advice(reading):
        return Cannot("advice")
    found = search_of(reading, today)
    if seen.figures or seen.ranking or goes_on:
        return _ask(reading, text, seen, found, before, today)
    if is_question(reading):
        return _unknown(reading)
    if seen.ahead or found.price or found.available:
        return found.search
    # A bare name or month is a wish to have it of what was asked before.
    if len(reading.words) > _NAME or is_statement(reading):
        return Cannot("unclear")
    return _ask(reading, text, seen, found, before, today)


def _after_search(
    reading: Reading, text: str, seen: Evidence, before: Earlier, today: date
) -> Wish:
    assert before.wanted is not None
    last = Search.again(before.wanted.arguments)
    if (wish := _of_these(reading, last, before, today)) is not None:
        return wish
    if seen.figures:
        return _anew(reading, text, seen, today)
    found = search_of(reading, today, last)
    if _goes_on(reading):
        return found.search if found.anything else Cannot("unclear")
    # What names an event anew, or asks for anything else, has nothing to do with what was found.
    own = found.words and (
        (seen.events and not _is_kind(reading))
        or is_question(reading)
        or not (found.changes or _is_kind(reading))
    )
    if own or (seen.events and found.when):
        return _anew(Reading(text), text, seen, today)
    if found.anything:
        return found.search
    return Cannot("knowledge" if is_question(reading) else "unclear")


def _of_these(reading: Reading, last: Search, before: Earlier, today: date) -> Wish | None:
    """What is about the events that were found: more of them, how many, one of them, cheaper."""
    bare = reading.folded.strip("?! ")
    if _MORE.fullmatch(bare):
        return More()
    index = event_of(reading, before.events, before.last_told)
    if index is not None:
        return Detail(index)
    if counts_these(reading):
        search = search_of(reading, today, last).search
        return msgspec.structs.replace(search, counted=True, words=last.words or search.words)
    return cheaper(last, list(before.events)) if _CHEAPER.search(bare) else None


def _is_kind(reading: Reading) -> bool:
    """Whether it is a word or two in small letters, such as "rock" or "indie rock"."""
    words = [word for word in reading.words if word.kind != "mark"]
    return len(words) <= _KIND and all(
        word.kind == "word" and word.text.islower() for word in words
    )


def _goes_on(reading: Reading) -> bool:
    """Whether it is a fragment, which says something only of what was before."""
    text = reading.folded
    return _GOES_ON.match(text) is not None or _INSTEAD.search(text) is not None


def _unknown(reading: Reading) -> Wish:
    """Nothing that is known, unless it goes by the name of a dataset."""
    named = named_in(reading)
    return Cannot("knowledge") if named is None else Describe(named, perhaps=True)


def _ask(
    reading: Reading, text: str, seen: Evidence, found: Found, before: Earlier, today: date
) -> Ask:
    """Where events are counted, those of the catalogue are meant, and searching tells their number
    as well. What names no dataset goes on from the one that was asked."""
    written, text = text.strip(), reading.spelt.strip()
    slipped = written if written != text else None
    fallback = None
    if seen.events and not (is_grouped(reading) or (seen.figures and seen.past)):
        fallback = msgspec.structs.replace(found.search, counted=counts_events(reading))
    if (named := dataset_in(text)) is not None:
        return Ask(
            question=named.question,
            dataset=named.dataset,
            new_topic=before.was_question and named.dataset != before.dataset,
            written=written,
            alone=True,
        )
    if counts_events(reading):
        # A question about the catalogue can't go on from one about anything else.
        new = before.was_question and before.dataset != CATALOGUE
        return Ask(question=dated(text, today), dataset=CATALOGUE, new_topic=new, fallback=fallback)
    if before.dataset == CATALOGUE and not seen.figures:
        text = dated(text, today)
    alone = (seen.figures or seen.ranking) and not _goes_on(reading)
    return Ask(
        question=text,
        alone=alone,
        written=slipped,
        fallback=fallback,
        of_business=not (seen.events or seen.ahead),
    )


def _noted(reading: Reading, search: Search) -> Search:
    if not asks_for_a_place(reading):
        return search
    note = "I don't know where you are, and can't search by distance."
    return msgspec.structs.replace(search, notes=(*search.notes, note))
