"""What people are told when a model did not answer."""

from contexts.conversations.application.ports import AssistantFailed
from shared.application.language_model import FailureKind, LanguageModelFailed

_REASONS: dict[FailureKind, str] = {
    "unavailable": "the language model can't be reached, or broke off",
    "rate_limited": "the language model is asked too often just now",
    "quota": "the account that the language model is used with has no credit left; whoever runs "
    "this service has to see to it",
    "timeout": "the language model did not answer in time",
    "refused": "the language model refuses to answer this; put it differently",
    "invalid": "the language model gave no answer that can be used",
    "not_configured": "the language model is not set up as it has to be; whoever runs this service "
    "has to see to it",
}
_AGAIN = ("unavailable", "rate_limited", "timeout", "invalid")

TOO_LONG = "the message is too long for the language model; make it shorter, or split it"
EMPTY = "the language model had nothing to say; ask once more, or put it differently"


def failed(failure: LanguageModelFailed) -> AssistantFailed:
    if failure.kind in ("too_long", "invalid") and was_read(failure):
        return AssistantFailed("empty_answer", EMPTY)
    if failure.kind == "too_long":
        return AssistantFailed("too_long", TOO_LONG)
    reason = _REASONS[failure.kind]
    if failure.kind in _AGAIN:
        wait = failure.retry_after
        when = "in a moment" if wait is None else f"in {max(1, round(wait))} s"
        reason = f"{reason}; try again {when}"
    return AssistantFailed(f"model_{failure.kind}", reason)


def was_read(failure: LanguageModelFailed) -> bool:
    """Whether the model began to answer, however that ended; else its server refused to ask it."""
    return failure.usage.input_tokens + failure.usage.output_tokens > 0
