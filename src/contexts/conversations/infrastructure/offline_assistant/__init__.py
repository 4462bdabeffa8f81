"""Conversation without a model, by rules that say what they took for what.

`message` cuts a message into words, of which each rule takes what it understands: `prices`,
`hours`, `points` and `dates` (by the `calendar`), then `searching`. `evidence` weighs whether a
search is wanted or an answer from data, `talking` knows what is neither, and `reading` decides,
given what tools did before (`earlier`). `finding` and `questions` are the steps of an answer, which
`assistant` has done; the `telling_` modules put it into words.

What decides between a search and a question: a word for a figure ("how many", "average", "by
month", "sold") or for what tables hold ("products", "waiters") makes a question; an event, a day to
come or an amount of money makes a search. Where neither stands, the tool that was used last is used
again. A question that the data declines may be tried as a search, and that is said; a search is
never asked of the data.
"""

from contexts.conversations.infrastructure.offline_assistant.assistant import OfflineAssistant

__all__ = ["OfflineAssistant"]
