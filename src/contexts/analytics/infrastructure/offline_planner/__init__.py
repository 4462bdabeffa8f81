"""Questions understood without a model: words to readings, readings to clauses, clauses to a spec.

`words` cuts a question into tokens. The lexicon of a relation (`columns`, `values`), the closed
grammar (`signs`) and the calendar (`dates`) give readings to stretches of tokens; `cover` chooses
the stretches that explain the question best. Then each kind of clause takes what it understands
(`parsing` names them in their order), and `building` makes the spec. What nobody took, the planner
declines by name; a spec that nobody can have meant, `doubts` holds back.
"""

from contexts.analytics.infrastructure.offline_planner.planner import OfflinePlanner

__all__ = ["OfflinePlanner"]
