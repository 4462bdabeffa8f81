"""Talking: a chat that loses nothing and knows the data.

A *conversation* belongs to one data subject, its *owner*; nobody else sees that it is there. Its
*messages* are a tree: an edit, or an answer that was asked for again, is another branch, and the
*path* of a message is what was said before it. A message that wants an answer asks for a *run*; an
*assistant*, a language model or the one that works offline by rule, answers in *pieces*: text, and
calls of *tools* that search the catalogue and ask the data. Pieces go to whoever listens as
*frames*, each with a *sequence*, over a Redis stream that may be lost; the log gets the whole once,
at the end of the run: completed, failed or cancelled. All that people write, and all that is
answered, is *sealed* under the key of the owner: erasing him leaves a log that says when, and not
what.
"""
