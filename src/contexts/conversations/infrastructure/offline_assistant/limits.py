"""What can't be done here: acts, texts, translations, other languages, advice, what is known."""

from contexts.conversations.infrastructure.offline_assistant.english import ENGLISH, FOREIGN
from contexts.conversations.infrastructure.offline_assistant.message import Reading, fold
from contexts.conversations.infrastructure.offline_assistant.phrases import begins, one_of, stands
from contexts.conversations.infrastructure.offline_assistant.wishes import Cannot

_POLITE = one_of(
    """
    please | (?:can|could|would|will) you | (?:can|could|may) i | i need to | i need you to | just
    i(?: want|'d like| would like) to | i(?: want|'d like| would like) you to | help me(?: to)?
    let's | kindly | hey | hi | hello | now | then | and | ok | okay | go ahead and | i wanna
    how (?:do|can) i | where can i | is it possible to | are you able to
    """
)
_PLEASE = f"(?:{_POLITE} )*"
_DETAILS = (
    r"(?! (?:by|per|vs|versus|against|compared|sales|rates?|amounts?|counts?|totals?|shares?"
    r"|revenue|numbers?))"
)
_AN_ACT = begins(
    rf"""
    (?:book|reserve|purchase|buy|cancel|unsubscribe|subscribe|email|e-mail|remind|phone){_DETAILS}
    (?:pay|upload|delete|drop|remove|erase|truncate|insert|wipe|overwrite|alter|rename){_DETAILS}
    (?:modify|edit|update|reschedule|announce|publish|upgrade|exchange|checkout){_DETAILS}
    (?:add|save|download|export|post|forward|transfer|notify|alert|wake){_DETAILS}
    refund (?:me|my|the|this|these|it) | check out | sign (?:me|us) (?:up|in)
    log (?:me|us) (?:in|out)
    (?:order|sell|hold|keep|get)(?: me| us) (?:\S+ )*(?:tickets?|seats?|pizza|taxi|cab|table|food)
    (?:order|hold) (?:\S+ )?(?:tickets?|seats?|pizza|taxi|cab|food)
    (?:change|set|create|make|schedule|send|call|put)(?: \S+)?(?: \S+)? (?:prices?|reminder|alarm)
    (?:change|create|make|schedule|send)(?: \S+)?(?: \S+)? (?:booking|reservation|order|tickets?)
    (?:change|create|make|schedule|send)(?: \S+)?(?: \S+)? (?:event|appointment|meeting|account)
    (?:change|set|create|make|send|call|put)(?: \S+)?(?: \S+)? (?:e-?mail|message|text|sms|password)
    call (?:me|us|my|the|a) | play (?:me|some|a|the|my) | track my
    i want (?:my money back|a refund)
    where(?:'s| is) my (?:order|tickets?|refund)
    """,
    _PLEASE,
)
_A_TEXT = begins(
    r"""
    (?:write|compose|draft|sing|recite|paint|invent|improvise|rhyme|proofread|rewrite|rephrase)
    paraphrase | tell (?:me|us) (?:an?|another|some) (?:\w+ )?(?:jokes?|story|riddle|poem|secret)
    tell (?:me|us) (?:an?|some) (?:fairy tale|fun facts?|stories)
    (?:an? )?(?:joke|poem|haiku)
    (?:summari[sz]e|explain) (?:this|the following|my) | act as | pretend | role ?play | imagine
    (?:draw|generate|make|create)(?: me| us)?(?: an?)? (?:image|picture|photo|song|poem|logo)
    (?:draw|generate|make|create)(?: me| us)?(?: an?)? (?:website|app|story|drawing|video|meme)
    (?:fix|debug|write|generate)(?: \w+)? (?:code|script|program|function) | (?:an? )?limerick
    """,
    _PLEASE,
)
_TONGUES = (
    "(?:spanish|french|german|italian|portuguese|catalan|dutch|chinese|japanese|russian|english)"
)
_A_TRANSLATION = begins(
    rf"""
    translate | how do (?:you|i|they) say | what(?:'s| is) .* in {_TONGUES}
    (?:do you )?(?:speak|talk|answer|reply)(?: to me)?(?: in)? {_TONGUES}
    """,
    _PLEASE,
)
_INSTRUCTIONS = stands(
    r"""
    (?:ignore|disregard|forget|override|bypass) .{0,60}(?:instructions?|prompts?|rules?)
    (?:ignore|disregard|forget|override|bypass) .{0,60}(?:above|previous)
    (?:ignore|forget) everything | (?:system|developer) (?:prompt|message|role|mode) | you are now
    (?:reveal|print|show|tell|give|repeat|leak) .{0,40}(?:passwords?|api keys?|credentials|secrets?)
    (?:reveal|print|show|tell|give|repeat|leak) .{0,40}your (?:instructions|prompt|rules)
    (?:reveal|print|show|tell|leak) .{0,40}environment variables | jailbreak | do anything now
    select .{1,200}from .* | union select .* | .{0,9}drop table .* | sudo .* | rm -rf .*
    .{0,9}<script.* | .{0,20}{{.*}}.* | .{0,9}\${.*
    """
)
_ADVICE = begins(
    r"""
    why | should (?:i|we) | predict | forecast | what will .* be | will (?:the|we|sales|revenue) .*
    what if | how (?:can|could|should|do) (?:i|we) (?:increase|improve|sell more|grow|reduce)
    what should (?:i|we) | do you think | what do you think | do you like
    which (?:one )?(?:would|do) you (?:like|recommend) | what(?:'s| is) your (?:favou?rite|opinion)
    """,
    "(?:and |so |but )?",
)
_THE_WORLD = begins(
    r"""
    (?:what|which) (?:day|date|time|year|month) is (?:it|today|tomorrow|now) | .*\bweather\b.*
    will it (?:rain|snow|be) .* | is it (?:raining|snowing|going to).*
    .*\btemperature (?:in|on)\b.*
    what does (?:that|this|it) mean
    """,
    "(?:and |so |but )?",
)
_QUESTION = begins(
    r"""
    who | who's | what | what's | why | how | how's | when | where | which | is | are | was | were
    does | do | did | can | could | should | would | will | has | have | had | tell me | explain
    describe | define | calculate | solve
    """,
    "(?:and |so |but |ok |okay |hey |hi |well |please )*",
)
_OPEN = begins(
    """
    what | what's | why | how | who | will | should | would | can | could | did | do | was
    """,
    "(?:and |so |but |ok |hey |please )*",
)
_STATEMENT = begins(
    """
    i am | i'm | i was | i have | i feel | i hate | i think | you are | you're | he | she | they
    my | it is | it's | we are | this is | that is | that's | your | you can't | you don't
    you do not
    """
)
_PLACE = stands(
    r"near me | nearby | around here | close to me | in my (?:area|city|town) | close by"
)


def beyond(reading: Reading, text: str) -> Cannot | None:
    """What nobody can do here, told by its words, whatever else stands in the message."""
    said = reading.folded
    if _INSTRUCTIONS.search(" ".join(fold(text).split())):
        return Cannot("instructions")
    if _A_TRANSLATION.match(said):
        return Cannot("translate")
    if _AN_ACT.match(said):
        return Cannot("act")
    if _A_TEXT.match(said):
        return Cannot("write")
    return Cannot("knowledge") if _THE_WORLD.match(said) else None


def asks_for_advice(reading: Reading) -> bool:
    """For reasons, opinions or the future."""
    return _ADVICE.match(reading.folded) is not None


def asks_for_a_place(reading: Reading) -> bool:
    return _PLACE.search(reading.folded) is not None


def is_question(reading: Reading) -> bool:
    """Whether it is put as a question, or as an order to tell something."""
    return _QUESTION.match(reading.folded) is not None


def is_open(reading: Reading) -> bool:
    """A question that more than yes, no or a time answers."""
    return _OPEN.match(reading.folded) is not None


def is_statement(reading: Reading) -> bool:
    """It tells something of somebody, and asks for nothing."""
    return _STATEMENT.match(reading.folded) is not None


def is_foreign(reading: Reading) -> bool:
    """Whether it is written in a language that these rules do not know."""
    words = [word for word in reading.words if word.kind == "word"]
    letters = "".join(word.text for word in words)
    if sum(ord(letter) > _LAST_LATIN for letter in letters) * 2 > len(letters):
        return True
    said = {reading.folded[word.at : word.end] for word in words}
    most = max(len(said & known) for known in FOREIGN.values())
    return most >= 2 and most > len(said & ENGLISH)


_LAST_LATIN = 0x24F
"""Of the letters that languages are written in which have the Latin alphabet."""
