"""Live events on offer: what is on, when, where to sit and for how much.

An *event* here is something people attend (`Event`); what is stored is a `DomainEvent`. Events come
from *providers*, whose *feeds* state *plans*: one plan is one date of one show. An event made of a
plan belongs to its provider and changes only with the feed; one announced by ourselves changes only
by command. What was *ever online* is offered from then on, also when its provider *delists* it,
with its latest known values. A plan that makes no sense is *quarantined* with its reason and the
rest goes on; a feed that makes no sense fails the *run* and changes nothing.

Times are the venue's wall time with its zone; instants are derived from them.
"""
