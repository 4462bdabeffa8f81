"""What a model is asked for one answer, from call to call: less of it, or otherwise, where it must
be."""

import msgspec
from prometheus_client import Counter

from contexts.conversations.application.ports import AssistantFailed, Turn
from contexts.conversations.infrastructure.model_assistant.exchanges import (
    Sized,
    Step,
    answered,
    exchanges,
    findings,
    in_turns,
    in_words,
    numbered,
)
from contexts.conversations.infrastructure.model_assistant.failing import TOO_LONG, was_read
from contexts.conversations.infrastructure.model_assistant.fitting import (
    Recalled,
    recall,
    shortenings,
    size,
)
from contexts.conversations.infrastructure.model_assistant.prompting import instructions
from contexts.conversations.infrastructure.model_assistant.summaries import MOST
from shared.application.language_model import ChatMessage, Completion, LanguageModelFailed, Tool

AGAIN = Counter("marquee_assistant_asked_again", "Calls of models put otherwise", ["why"])

PURPOSE = "conversations.answer"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`context_tokens` are those of all that a model reads and writes in one call, of which it
    writes `max_output_tokens` at most. `call_seconds` is the time for one call, `rounds` how often
    a model may call tools for one answer."""

    context_tokens: int = 16_000
    max_output_tokens: int = 1_000
    call_seconds: float = 120.0
    rounds: int = 6


class Talk:
    """`before` is the block that stands for what of the conversation is dropped."""

    def __init__(self, turn: Turn, tools: tuple[Tool, ...], limits: Limits) -> None:
        *self._earlier, last = exchanges(turn.path)
        self._question = last.user
        self._now = turn.now
        self._tools = tools
        self._limits = limits
        self._room = limits.context_tokens - limits.max_output_tokens
        self._in_words = False
        self._again: set[str] = set()
        self.steps: list[Step] = []
        self.recalled = self._recall()
        self.before = ""
        self.ended = False

    @property
    def may_call(self) -> bool:
        """Whether tools are offered with the next request."""
        more = len(self.steps) < self._limits.rounds
        return bool(self._tools) and more and not self._in_words

    def request(self) -> Completion:
        """Raise AssistantFailed when the message alone is too long."""
        tools = self._tools if self.may_call else ()
        for steps in shortenings(self.steps):
            messages = self._messages(steps)
            if size(messages, tools) <= self._room:
                return Completion(
                    messages=messages,
                    purpose=PURPOSE,
                    tools=tools,
                    max_tokens=self._limits.max_output_tokens,
                    # What came out empty comes out empty again, unless something is left to chance.
                    temperature=None if "empty" in self._again else 0.0,
                    deadline=self._limits.call_seconds,
                )
        raise AssistantFailed("too_long", TOO_LONG)

    def put_otherwise(self, failure: LanguageModelFailed) -> bool:
        """Whether there is another way to ask, which the next request takes."""
        match failure.kind:
            case "too_long" if not was_read(failure):
                return self._once("too_long") and self._halve()
            case "invalid" | "not_configured" if not was_read(failure) and self.may_call:
                # Models and servers without tools refuse the request as a whole, each in other
                # words: Ollama and vLLM with 400, OpenRouter with 404.
                self._in_words = True
                return self._once("no_tools")
            case "invalid":
                return was_read(failure) and self.was_empty()
            case _:
                return False

    def was_empty(self) -> bool:
        """The model said nothing and called nothing."""
        # After tools, it is asked for an answer and nothing else.
        self._in_words |= bool(self.steps)
        return self._once("empty")

    def _once(self, why: str) -> bool:
        if why in self._again:
            return False
        self._again.add(why)
        AGAIN.labels(why).inc()
        return True

    def _halve(self) -> bool:
        self._room //= 2
        self.recalled = self._recall()
        self.before = ""
        return True

    def _recall(self) -> Recalled:
        """At most half of the room is for what was said before, and a quarter is kept for what
        tools will find; it stays the same for all calls of an answer."""
        bare = (
            ChatMessage("system", instructions(self._now, tools=True, found=False, before="")),
            ChatMessage("user", self._question),
        )
        left = self._room - size(bare, self._tools) - MOST
        if self._tools:
            left -= self._room // 4
        return recall(self._earlier, min(self._room // 2, left))

    def _messages(self, steps: list[Sized]) -> tuple[ChatMessage, ...]:
        rules = instructions(self._now, tools=self.may_call, found=bool(steps), before=self.before)
        messages = [ChatMessage("system", rules)]
        question = ChatMessage("user", self._question)
        if self.may_call:
            for exchange, limit in self.recalled.kept:
                messages += in_turns(exchange, limit)
            messages += (question, *answered(steps))
            return tuple(numbered(messages))
        # Servers that are offered no tools may refuse messages that speak of calls.
        for exchange, _ in self.recalled.kept:
            messages += in_words(exchange)
        if steps:
            asked = f"{self._question}\n\n{findings(steps)}"
            question = msgspec.structs.replace(question, content=asked)
        return (*messages, question)
