"""Any table of facts, asked in plain language.

A *dataset* is a table that somebody brought (or the catalogue itself); each upload of it is a
*version*, and an answer names the version it used. A *question* ends in one of five *outcomes*:
answered, needs_clarification, unanswerable, refused or failed. A *planner* turns its words into a
*query spec*, the one intermediate form: the compiler makes SQL of it, and the explanation, the
follow-up, the chart and the cache key are read from it. Whatever SQL is to run passes the *gate*
and runs in the *room*: a login of its own that can read one tenant's datasets and nothing else.
A *report* is a question on a schedule. What a planner does not understand it declines, and says
which words: being wrong is worse than declining.
"""
