"""What a failed exchange means: which kind of failure it is, and whether to try again."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import httpx2

from shared.application.language_model import LanguageModelFailed
from shared.infrastructure.language_model.capped import Encoded, TooLarge
from shared.infrastructure.language_model.wire import BrokenOff, ErrorInStream, NotTheProtocol

_QUOTA = {
    *("insufficient_quota", "quota_exceeded", "insufficient_credits", "insufficient_balance"),
    *("billing_hard_limit_reached", "billing_not_active"),
}
_FILTERED = {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"}
_TOO_LONG = re.compile(
    r"context_length_exceeded|context (?:length|window|size)|maximum context|prompt is too long"
)
_AGAIN = {408, 409, 425}
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,60}")


class Fault(NamedTuple):
    """`said` is what a server says of a request that it refuses, for programs; "" of others."""

    failure: LanguageModelFailed
    again: bool
    said: str = ""


def fault(error: Exception, model: str) -> Fault:
    """Raise any error that is none of the exchange itself."""
    import openai  # takes half a second, and by now it is there

    match error:
        case openai.APIStatusError():
            return _of_status(error.status_code, error.body, error.response.headers, model)
        case ErrorInStream():
            return _of_stream(error.error, model)
        case TimeoutError():
            return Fault(_failed("timeout", f"the model {model} did not answer in time"), False)
        case openai.APIConnectionError() | httpx2.TransportError() | httpx2.DecodingError():
            if _waited_in_vain(error):
                # The limit of reading is that of the whole request.
                return Fault(_failed("timeout", f"the model {model} did not answer in time"), False)
            return _unavailable(f"the connection to the server of the model {model} failed")
        case BrokenOff():
            return _unavailable(f"the model {model} broke off in the middle of its reply")
        case NotTheProtocol():
            return _unavailable(
                f"the server of the model {model} sent {error}; is the base URL of its API right?"
            )
        case TooLarge():
            return Fault(_failed("too_long", f"the reply of the model {model} is too large"), False)
        case Encoded():
            return _unavailable(f"the server of the model {model} sent a compressed reply, unasked")
    raise error


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait, as the server says in seconds or as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        given = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", given):
            return float(given) * unit
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds())


def _of_status(status: int, body: Any, headers: Mapping[str, str], model: str) -> Fault:
    codes, said = _codes(body), str(body)[:10_000]
    again_in = retry_after(headers, datetime.now(UTC))
    if status == 402 or codes & _QUOTA:
        message = f"the account that the model {model} is used with has no credit left"
        return Fault(_failed("quota", message), False)
    if status == 429:
        message = f"the model {model} is asked too often"
        return Fault(_failed("rate_limited", message, again_in), True)
    if codes & _FILTERED:
        return Fault(_failed("refused", f"the model {model} refuses to answer this"), False)
    if status == 413 or _TOO_LONG.search(said.lower()):
        message = f"what was asked is longer than the model {model} can read"
        return Fault(_failed("too_long", message), False)
    if status in (401, 403):
        message = f"the server of the model {model} does not accept our key; check LLM_API_KEY"
        return Fault(_failed("not_configured", message), False)
    if status >= 500 or status in _AGAIN:
        message = f"the server of the model {model} failed with status {status}"
        return Fault(_failed("unavailable", message, again_in), True, said if status == 501 else "")
    if status == 404:
        message = f"there is no model {model} at its address; check LLM_BASE_URL and LLM_MODEL"
        return Fault(_failed("not_configured", message), False, said)
    about = f" ({', '.join(sorted(codes))})" if codes else ""
    message = f"the server of the model {model} refused the request with status {status}{about}"
    return Fault(_failed("invalid", message), False, said)


def _of_stream(error: Any, model: str) -> Fault:
    """As of a status, where the code is one."""
    code = error.get("code") if isinstance(error, dict) else None
    status = int(code) if isinstance(code, int | str) and re.fullmatch("[45]..", str(code)) else 500
    if "rate_limit_exceeded" in _codes(error):
        status = 429
    return _of_status(status, error, {}, model)


def _codes(body: Any) -> set[str]:
    """What a server names its error by, without anything that could be text of a person."""
    if not isinstance(body, dict):
        return set()
    given = (body.get("code"), body.get("type"), body.get("param"))
    return {each.lower() for each in given if isinstance(each, str) and _CODE.fullmatch(each)}


def _waited_in_vain(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, httpx2.TimeoutException):
            return not isinstance(error, httpx2.ConnectTimeout)
        error = error.__cause__
    return False


def _unavailable(message: str) -> Fault:
    return Fault(_failed("unavailable", message), True)


def _failed(kind: Any, message: str, again_in: float | None = None) -> LanguageModelFailed:
    return LanguageModelFailed(kind, message, retry_after=again_in)
