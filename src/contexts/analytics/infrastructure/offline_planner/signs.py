"""The closed grammar of questions: which phrases aggregate, compare, group, order, wish and deny.

A line is `kind value: phrase | phrase`. Phrases are matched by folded words, longest first; a
phrase may have several meanings, and what stands around it decides.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import get_args

from contexts.analytics.infrastructure.offline_planner.english import FILLER, PERSON, ROW
from contexts.analytics.infrastructure.offline_planner.readings import Placed, Sign, SignKind
from contexts.analytics.infrastructure.offline_planner.words import Token, tokens_of

_GRAMMAR = """
aggregate count: how many | number of | count of | count | counts | counting | number | numbers
aggregate count: tally
aggregate count: frequency | frequencies | amount of | how many times | quantity of | how many of
aggregate count: occurrences
aggregate total_count: total number of | total number | total count | total count of
aggregate total_count: total numbers
aggregate sum: how much | total | sum of | sum | totals | total of | summed
filler -: in total | altogether | combined | in all
aggregate avg: average | averages | mean | avg | average of | mean of | on average | averaged
aggregate median: median | median of
aggregate max: maximum | max | maximal | maximum of | max of | highest value of
aggregate max: largest value of
aggregate min: minimum | min | minimal | minimum of | min of | lowest value of
aggregate min: smallest value of
distinct yes: distinct | different | unique | various | separate | distinctive | differing
group by: by | by each | per | for each | for every | of each | of every | in each | in every
group by: on each | at each | from each | with each | to each
group by: grouped by | group by | grouping by | by grouped by | and group by | broken down by
group by: break down by | split by | divided by
group by: across | according to | depending on | based on | as a function of | across all
group by: by every | by different
group by: from different | for different | in different | of different | across different
group by: over different | at different | on different
group by: for all different | for the different | of the different | group | aggregated by
group by: with different
group by: bucketed by | binned by | bin by | bin | into | segmented by
group by: categorized by | categorised by | classified by | by type of | for each type of
group by: varies by | vary by | differ by | differs by | for the various | under each
group over: over | over time
each each: each | every
versus versus: versus | vs | against | compared to | compared with | in comparison to
versus versus: and corresponding
compare eq: equal to | equals | equal | is equal to | exactly | is exactly | of exactly | being
compare ne: not equal to | does not equal | does not equal to | do not equal | is not | are not
compare ne: was not | were not | isn't | aren't | other than | different from
compare gt: more than | greater than | bigger than | larger than | higher than | above | over
compare gt: exceeding | exceeds | exceed | in excess of | no fewer
compare gt: longer than | taller than | heavier than | older than | after | later than
compare gt: since after | farther than | further than | faster than | better than | is above
compare gt: is over
compare lt: less than | fewer than | smaller than | lower than | below | under | shorter than
compare lt: younger than | lighter than | before | earlier than | prior to | slower than
compare lt: worse than | cheaper than | is below | is under
compare ge: at least | no less than | not less than | minimum of | or more | not below
compare ge: from at least | since | starting from | as of | no fewer than | and above | and up
compare ge: or above | or higher | or older | greater than or equal to | more than or equal to
compare le: at most | no more than | not more than | up to | maximum of | or less | not above
compare le: until | or fewer | or below | and below | or under | or younger | till
compare le: less than or equal to | not exceeding | through the end of
compare contains: contains | containing | contain | include | including | includes
compare contains: with the word | have the word | mention | mentioning | like | has the word
compare contains: that contain | having the word
compare starts_with: starts with | starting with | start with | begins with | beginning with
compare starts_with: begin with | prefixed with
compare ends_with: ends with | ending with | end with | ends in | ending in
between between: between | in the range of | in the range | ranging from | from
between between: in the range between | ranges from | is in the range of
null is_null: is null | is empty | is missing | are missing | without a value | is unknown
null is_null: are null | are empty | is blank | have no value
null not_null: is not null | is not empty | are not null | not null | are not empty | is known
null not_null: is not missing | is not blank
not not: not | no | without | excluding | except | except for | exclude | apart from | but not
not not: never | does not | do not | did not | didn't | don't | doesn't | has no | have no
not not: neither | that are not | who are not | leaving out | ignoring | not in
not not: not including | minus
and and: and | as well as | along with | together with | plus | & | with their | and also
and and: alongside | , and | , as well as
or or: or | either | nor
break break: , | ; | : | . | ? | ! | ?, | ., | ). | ( | ) | , please | ?. | ) ,
order order: order | ordered | sort | sorted | rank | ranked | arrange | arranged | ranking
order order: sorting | ordering | in order | in the order | order it | sort it | orderly
list list: show | list | display | give | draw | visualize | visualise | plot | return | present
list list: organize | organized | order them | put
direction asc: ascending | asc | ascending order | in ascending order | in asc | in asc order
direction asc: from low to high | low to high | in increasing order | increasing | smallest first
direction asc: from smallest to largest | from small to large | lowest first
direction asc: in an ascending order | ascendingly | from the lowest to the highest
direction asc: earliest first | oldest first | from least to most | increasing order
direction asc: from lowest to highest | from the smallest | asc order | low to high order
direction asc: from low to high order | from bottom to top | with ascending order | upward
direction desc: descending | desc | descending order | in descending order | in desc
direction desc: in desc order | from high to low | high to low | in decreasing order | decreasing
direction desc: largest first | from largest to smallest | from large to small | highest first
direction desc: in a descending order | descendingly | from the highest to the lowest
direction desc: latest first | newest first | from most to least | decreasing order
direction desc: from highest to lowest | biggest first | desc order | high to low order
direction desc: from high to low order | from top to bottom | with descending order
direction desc: in reverse order | reversed | downward
direction asc: from the oldest to the newest | from oldest to newest | shortest first
direction asc: from the cheapest to the most expensive | from cheapest to most expensive
direction asc: cheapest first | worst first | youngest first | from the earliest to the latest
direction desc: from the most expensive to the cheapest | from the newest to the oldest
direction desc: from newest to oldest | longest first | most expensive first | best first
direction desc: best seller first | best sellers first | tallest first | from the latest
direction desc: most first | from most expensive to cheapest
direction alphabetical: alphabetically | in alphabetical order | alphabetical order
direction alphabetical: alphabetical | in lexicographical order | lexicographical order
direction alphabetical: from a to z | a to z | in alphabetic order | in lexicographic order
direction alphabetical: in alphabetical ascending order | alphabetic order
direction reverse_alphabetical: in reverse alphabetical order | reverse alphabetical order
direction reverse_alphabetical: from z to a | z to a | in descending alphabetical order
direction reverse_alphabetical: in reverse alphabetic order
direction chronological: chronologically | in chronological order | chronological order
direction chronological: by time order
axis x: x axis | x | xaxis | x axes | horizontal axis | x label | names
axis y: y axis | y | yaxis | vertical axis | total number | y label
axis y: bar | bars | values | value | height of the bars
chart bar: bar chart | bar charts | bar graph | bar plot | bars | bar diagram | barchart
chart bar: as bars | column chart | bar | histogram | histograms | column graph
chart bar: stacked bar chart | stacked bar | grouped bar chart | grouping bar chart
chart bar: horizontal bar chart
chart pie: pie chart | pie | pie charts | pie graph | pie diagram | pie plot
chart pie: piechart | donut chart | doughnut chart | donut
chart line: line chart | line | line graph | line charts | line plot | line diagram | linechart
chart line: curve | trend line | as a line | time series | area chart | grouping line chart
chart table: table | as a table | in a table | tabular form | plain table
chart scatter: scatter | scatter chart | scatter plot | scatterplot | scatter graph
chart scatter: scatter charts | scatter plots | scatter diagram | point chart
chart scatter: grouping scatter chart
grain year: year | years | yearly | annual | annually | per annum | year by year
grain quarter: quarter | quarters | quarterly | quarter by quarter
grain month: month | months | monthly | month by month
grain week: week | weeks | weekly | calendar week | week by week
grain day: day | days | daily | date | dates | calendar day | day by day
grain hour_of_day: hour | hours | hourly | hour by hour | hour of day | hour of the day
grain hour_of_day: time of day | time of the day | o'clock
grain weekday: weekday | weekdays | day of week | day of the week | days of the week | week day
grain weekday: day of a week | weekday name | days of week
grain month_of_year: month of year | month of the year | calendar month | month name
grain day_of_month: day of month | day of the month
grain quarter_of_year: quarter of year | quarter of the year
share share: share | shares | proportion | proportions | ratio | breakdown | split | composition
share share: fraction | portion | makeup | what share | what part
percent percent: percentage | percentages | percent | percentage of | % | what percentage
percent percent: share in percent | what percent | how many percent
running running: running total | cumulative | cumulated | cumulatively | running sum
running running: accumulated | running totals | cumulative total | cumulative sum | year to date
change previous_period: growth | compared to the previous month
change previous_period: compared with the previous month | compared to the previous period
change previous_period: compared with the previous period | change over the previous
change previous_period: versus the previous | month over month | month on month | week over week
change previous_period: week on week | period over period | growth rate | day over day
change previous_period: quarter over quarter | compared to last month | compared with last month
change previous_period: compared to the month before | compared with the month before
change previous_period: versus last month | vs last month | than the month before
change previous_period: compared to the previous week | compared to the week before
change previous_period: compared with the previous week | vs the previous month
change previous_period: versus the previous month | go up | goes up | went up | going up
change previous_period: gone up | go down | goes down | went down | going down | gone down
money money: did we make | do we make | have we made | did we take in | did we earn | we made
change previous_year: year over year | year on year | compared to last year
change previous_year: compared with last year | versus last year | vs last year | yoy
change previous_year: than the year before | compared to the previous year
change previous_year: compared with the previous year | compared to the year before
extreme desc: most | highest | largest | greatest | biggest | best | top | maximum | max
extreme desc: strongest | leading | peak | maximal | busiest
extreme asc: least | lowest | smallest | fewest | worst | minimum | min | weakest | poorest
extreme asc: minimal | quietest | slowest day | bottom
adjective age desc: oldest | older
adjective age asc: youngest | younger
adjective price desc: most expensive | priciest | dearest | costliest | costly | expensive
adjective price desc: most costly
adjective price asc: cheapest | least expensive | cheap
adjective height desc: tallest | taller | tall
adjective length desc: longest | longer
adjective length asc: shortest | shorter
adjective weight desc: heaviest | heavier
adjective weight asc: lightest | lighter
adjective speed desc: fastest | quickest
adjective speed asc: slowest
adjective population desc: most populous | most populated
adjective population asc: least populous | least populated
adjective time desc: latest | newest | most recent | last
adjective time asc: earliest | first
adjective temperature desc: hottest | warmest
adjective temperature asc: coldest | coolest
adjective distance desc: farthest | furthest | most distant
adjective salary desc: best paid | highest paid | richest
adjective salary asc: worst paid | lowest paid
often desc: most common | most frequent | most frequently | most popular | most often | commonest
often desc: most used | most active | most frequent value of
often asc: least common | least frequent | rarest | least popular | least often | least used
top desc: top | best | highest | first | largest | biggest | leading | most
top asc: bottom | worst | lowest | smallest | last | fewest | least
relative avg: average | mean | overall average
relative median: median
distribution distribution: distribution | distributions | distribution of | spread
distribution comparison: comparison | compare | compares | comparing | relationship | relation
distribution comparison: correlation | correlation between | trend | trends | trend of | change
distribution comparison: changes | evolution | evolve | develop | development | history
distribution comparison: variation
where where: whose | where | with | having | who have | that have | which have | who has
where where: that has | when | who are | that are | which are | who is | that is | which is
where where: for which | in which | for those | for all | of those | of all | who | for | only
where where: just | only those | among | during
which which: which | what | who | whose | who is | who are | who was | who were
when when: when | on what date | on which date
grain hour_of_day: what time | at what time | which time
place place: where
sell sell: sold | sell | sells | bought | buy
sell sell: buys | buying | purchased | ordered items | selling | purchases
sell sell: units sold | shipped | consumed | pieces sold | items sold
once once: once | one time | a single time
once twice: twice | two times
letters letters: letter | letters
except except: everything but | all but
follow only: only | just
follow instead: instead | rather
follow about: what about | how about | and for | and in | same for | the same for
follow about: and what about | now
refuse change: delete | drop | truncate | insert | update | alter | remove all | erase
refuse change: overwrite | destroy | wipe
"""


@cache
def phrases() -> dict[tuple[str, ...], tuple[Sign, ...]]:
    """From the folded words of a phrase to what it may mean."""
    found: dict[tuple[str, ...], list[Sign]] = {}

    def add(phrase: str, sign: Sign) -> None:
        words = tuple(token.folded for token in tokens_of(phrase))
        meanings = found.setdefault(words, [])
        if sign not in meanings:
            meanings.append(sign)

    for line in _GRAMMAR.strip().splitlines():
        head, _, phrases = line.partition(": ")
        kind, _, value = head.partition(" ")
        for phrase in phrases.split(" | "):
            add(phrase, Sign(kind=_kind(kind), value=value))
    for word in sorted(PERSON):
        add(word, Sign(kind="person", value=word))
    for word in sorted(ROW):
        add(word, Sign(kind="row", value=word))
    for word in sorted(FILLER):
        add(word, Sign(kind="filler"))
    return {words: tuple(signs) for words, signs in found.items()}


def _kind(name: str) -> SignKind:
    kinds: tuple[SignKind, ...] = get_args(SignKind)
    return next(kind for kind in kinds if kind == name)


def is_grammar(word: str) -> bool:
    """Whether a folded word has a meaning of its own in questions."""
    return (word,) in phrases()


@cache
def _longest() -> int:
    return max(map(len, phrases()))


def signs_in(tokens: Sequence[Token]) -> Iterator[Placed]:
    """Every phrase of the grammar that stands somewhere in a question."""
    known = phrases()
    for first in range(len(tokens)):
        for last in range(first + 1, min(len(tokens), first + _longest()) + 1):
            some = tokens[first:last]
            if any(token.kind == "quoted" for token in some):
                break
            signs = known.get(tuple(token.folded for token in some))
            if signs is None and last == first + 1 and some[0].kind == "word":
                signs = known.get((some[0].folded.removesuffix("s"),))
                signs = tuple(s for s in signs or () if s.kind in ("person", "row", "filler"))
            for sign in signs or ():
                more = 1.12 if last - first > 1 else 1.0
                yield Placed(first, last, sign, _weight(sign) * more * (last - first))


def _weight(sign: Sign) -> float:
    """Fillers and row words give way to names and values; the rest stands above them."""
    match sign.kind:
        case "filler" if sign.value != "-":
            return 0.5
        case "person" | "row":
            return 0.55
        case "change":
            return 1.0
        case _:
            return 0.8
