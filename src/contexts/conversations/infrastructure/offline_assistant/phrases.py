"""Phrases as rules are written in: many to a line, parted by " | ", each a regular expression of
folded words with one blank between them."""

import re


def one_of(listing: str) -> str:
    """A pattern for any of the phrases of some lines. `{{x}}` is not filled in here; a phrase that
    holds a bar of its own puts it in brackets, without blanks around it."""
    phrases = [phrase for line in listing.strip().splitlines() for phrase in line.split(" | ")]
    return f"(?:{'|'.join(phrase.strip() for phrase in phrases)})"


def stands(listing: str) -> re.Pattern[str]:
    """Any of the phrases, in whole words."""
    return re.compile(rf"(?<!\S){one_of(listing)}(?!\S)")


def begins(listing: str, before: str = "") -> re.Pattern[str]:
    """Any of the phrases at the beginning, behind the pattern `before`."""
    return re.compile(rf"{before}{one_of(listing)}(?!\S)")
