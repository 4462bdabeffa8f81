"""What the name of a column tells of its values: that they are ids, amounts, codes, dates."""

import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_IDS: Final = _words(
    """
    id ids uuid guid key pk number nr num numero nummer no nro ref reference referencia code
    codigo sku ean isbn upc iban serial token hash folio matricula index idx
    """
)
_CODES: Final = _words("code codigo kode")
_PEOPLE_AND_PLACES: Final = _words(
    """
    waiter waitress cashier seller salesperson clerk agent operator user customer client
    employee staff worker driver doctor teacher student patient member vendor supplier owner
    author guest account store shop table room terminal till register ticket invoice order
    booking advisor adviser manager supervisor instructor professor coach captain pilot major
    camarero mesero mozo cajero vendedor cliente empleado usuario proveedor socio mesa sucursal
    kellner kunde mitarbeiter verkaeufer benutzer lieferant filiale tisch serveur vendeur
    employe utilisateur fournisseur caissier
    """
)
"""A whole number under such a name says which one, not how many."""

_NOT_AN_ID: Final = _words(
    """
    paid unpaid prepaid overpaid bid grid valid invalid period avoid liquid solid humid rapid
    android covid mid kid kids acid fluid hybrid raid said laid void arid lipid orchid amid
    """
)
_OF: Final = _words("of de del der des von du per por pro by")
_COUNTS: Final = _words("number num no nr n count numero anzahl nombre total cantidad")
_GROUPS: Final = _words(
    """
    year yr month day week weekday quarter hour minute decade century ano anio mes dia semana
    hora jahr monat tag woche stunde annee mois jour semaine heure level grade class rank
    ranking place position rating stars star score_class round season edition version floor
    gender sex mf mfu yn flag group category type status priority district zone region sector
    shift turno nivel grado rango puesto temporada edicion piso grupo categoria tipo estado zona
    distrito stufe klasse rang runde saison niveau classe etage
    """
)
_POSTAL: Final = _words("zip zipcode postcode postal postalcode plz cp codepostal")
_PHONES: Final = _words(
    "phone telephone tel telefono telefon fax mobile movil celular handy extension ext"
)
_DATES: Final = _words(
    "date day dt fecha dia datum tag jour on at birth birthday born dob timestamp when"
)
_MONEY: Final = (
    *("total", "revenue", "amount", "sales", "turnover", "importe", "ventas", "monto", "ingresos"),
    *(
        "umsatz",
        "betrag",
        "summe",
        "montant",
        "ventes",
        "price",
        "precio",
        "preis",
        "prix",
        "value",
    ),
)


def _tokens(name: str) -> list[str]:
    return [token for token in re.split(r"[^a-z0-9]+", name.lower()) if token]


def _head(name: str) -> str:
    """The word that the others belong to: `level` of `level_of_membership`, else the last one."""
    tokens = _tokens(name) or [""]
    of = next((at for at, token in enumerate(tokens) if at and token in _OF), len(tokens))
    return tokens[of - 1]


def says_phone(name: str) -> bool:
    return not _PHONES.isdisjoint(_tokens(name))


def says_postal(name: str) -> bool:
    return not _POSTAL.isdisjoint(_tokens(name))


def says_date(name: str) -> bool:
    return not _DATES.isdisjoint(_tokens(name))


def says_group(name: str) -> bool:
    """Years, ranks, levels: one groups by them and does not add them up."""
    return _head(name) in _GROUPS or name.startswith(("is_", "has_", "was_"))


def says_id(name: str) -> bool:
    """`ticket_number` and `dormid`, but neither `number_of_guests`, `number_deaths` nor `paid`."""
    tokens = _tokens(name)
    if len(tokens) > 1 and tokens[0] in _COUNTS:
        return False
    head = _head(name)
    return head in _IDS or (head.endswith("id") and head not in _NOT_AN_ID)


def says_code(name: str) -> bool:
    return _head(name) in _CODES


def says_who_or_where(name: str) -> bool:
    return _head(name) in _PEOPLE_AND_PLACES


def money_rank(name: str) -> int | None:
    """How likely a measure of this name is meant by "how much"; 0 is the likeliest."""
    tokens = _tokens(name)
    return next((rank for rank, word in enumerate(_MONEY) if word in tokens), None)
