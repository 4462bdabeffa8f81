"""The general English that a planner needs: which words mean the same, and which say nothing.

Nothing here is taken from a table: whatever stands in a list would be true of any table.
"""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _groups(text: str) -> dict[str, frozenset[str]]:
    """One line is one group of words that may stand for one another."""
    groups: dict[str, set[str]] = {}
    for line in text.strip().splitlines():
        words = line.split()
        for word in words:
            groups.setdefault(word, set()).update(words)
    return {word: frozenset(others - {word}) for word, others in groups.items()}


SAME = _groups(
    """
employee staff worker personnel colleague
customer client buyer shopper patron
price cost fee tariff
country nation
sex gender
salary wage earn earning compensation
film movie
car vehicle automobile
city town municipality
job occupation profession
airplane plane aircraft aeroplane airliner
phone telephone
kind type category class
start begin beginning commencement
end finish ending
from start beginning starting
to end ending
until end ending
firm company enterprise business
quantity units pieces volume
shop store outlet branch
product item article merchandise
photo picture image photograph
pupil student
doctor physician
road street
zip postal postcode
score point mark
id identifier
founded established
attendance audience spectator
spectator viewer attendee
hometown birthplace
author writer
length duration
name title
result outcome
area surface size
rank position place standing
rating score
lecturer teacher instructor professor
dorm dormitory
child kid
bill invoice
document paper
flight trip
state province
region district
team club
wife spouse
husband spouse
school college university
temperature heat
nationality citizenship
age old
year yr
email mail
arrival arriving arrive
departure departing depart leave
waiter server
revenue turnover sales income takings proceeds
ticket receipt
participant contestant competitor
capacity seat
crew sailor
"""
)
"""Words that may stand for one another between a question and the name of a column."""

MONEY = words(
    """
    revenue turnover sales income takings proceeds earnings billing gross money
    """
)
"""Words of questions for money that came in."""

EARNING = words("earn spend")
"""Stems of verbs for it: who earns takes in, and who spends brings it."""

MONEY_COLUMN = {
    "revenue": 1.0,
    "sales": 1.0,
    "turnover": 1.0,
    "total": 0.9,
    "income": 0.9,
    "proceeds": 0.9,
    "amount": 0.8,
    "gross": 0.7,
    "subtotal": 0.6,
    "importe": 0.8,
    "ventas": 0.9,
    "umsatz": 1.0,
}
"""Words of columns that hold it, and how surely."""

QUANTITY_COLUMN = {
    "quantity": 1.0,
    "units": 0.9,
    "pieces": 0.9,
    "cantidad": 1.0,
    "menge": 1.0,
    "sold": 0.9,
    "volume": 0.6,
}

WEAK = words(
    """
    id code name number type description detail the of a in at on date value yn s by
    per for and or flag other ref
    """
)
"""Words of column names that do not tell which column it is."""

PERSON = words(
    """
    person individual member user man woman human guy being someone somebody folk
    """
)
"""What a row is called where its columns are those of a person."""

PERSON_COLUMN = words(
    """
    age sex gender birth birthday hometown nationality surname salary
    """
)

ROW = words(
    """
    row record entry line case observation item instance thing one them
    """
)
"""What a row of any table may be called."""

GENDERS = {
    "male": ("m", "male", "man", "masculine"),
    "female": ("f", "female", "woman", "feminine"),
    "man": ("m", "male", "man"),
    "woman": ("f", "female", "woman"),
    "boy": ("m", "male", "boy"),
    "girl": ("f", "female", "girl"),
}

ALIASES = _groups(
    """
us usa america
uk britain england
uae emirates
"""
)
"""Short names of countries, squashed."""

FILLER = words(
    """
    a an the this that these those there here it its they them their theirs he she his her
    we our us you your i me my is are was were be been being am do does did done doing have
    has had having can could would will shall should may might must let lets get got make
    made take taken give gives gave given please kindly want wants wanted like need needs
    wish try help tell know see look show shows showing shown display displays displaying
    return returns returning draw draws drawing plot plots plotting visualize visualizes
    visualise visualizing visualization create creates creating generate generated generates
    generating compute computes calculate calculates find finds found present presents
    report reports summarize summarise provide provides use uses used using list lists
    listing select fetch retrieve output print indicate illustrate represent represents what
    which who whom whose when where how in on at of for from to with into onto as about
    along within during via through among amongst amid also just then so too still already
    now very much really exactly only together respectively corresponding correspond
    corresponds associated related regarding concerning respective belonging belong belongs
    available existing exist exists yet all any some both either graph chart diagram figure
    attribute attributes column columns field fields variable variables information info
    data dataset table tables kind kinds entire whole overall altogether issued issue placed
    place recorded record registered held happened happen happens occurred occur occurs
    located living live lives based situated stand go goes going went come comes coming
    called named new one ones say says said but if whether because worth way ever hello hi
    hey thanks thank ok okay again well simple nice various several currently current appear
    appears appeared work works worked working serve serves served run runs ran bring brings
    brought offer offers offered host hosts hosted contain contains received receive
    process processes processed perform performs performed conduct conducted employ employs
    measure measured observe observed reach reached note noted teach teaches taught write
    writes drive drives driven carry carries carried specific particular respectively overview
    summary came typical typically usually ever actual separately visually picture amounts up add
    adds account accounts
    represented represents operate operates operated handle handles handled
    land lands landing fly flies flying flown play plays played manage
    receives obtained obtain gained achieved attracted featured feature features
    """
)
"""Words that a question may hold without asking for anything by them."""
