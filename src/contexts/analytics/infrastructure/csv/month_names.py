"""Names of months and weekdays in English, Spanish, German and French."""

import unicodedata
from typing import Final

_MONTHS = (
    "january jan enero ene januar jaenner janvier janv",
    "february feb febrero februar fevrier fevr fev",
    "march mar marzo maerz mrz marz mars",
    "april apr abril abr avril avr",
    "may mayo mai",
    "june jun junio juni juin",
    "july jul julio juli juillet juil",
    "august aug agosto ago aout",
    "september sep sept septiembre setiembre set septembre",
    "october oct octubre oktober okt octobre",
    "november nov noviembre novembre",
    "december dec diciembre dic dezember dez decembre",
)
_WEEKDAYS = (
    "monday mon lunes lun montag mo lundi tuesday tue tues martes mar dienstag di mardi "
    "wednesday wed miercoles mie mittwoch mi mercredi mer thursday thu thur thurs jueves jue "
    "donnerstag do jeudi jeu friday fri viernes vie freitag fr vendredi ven saturday sat sabado "
    "sab samstag sonnabend sa samedi sam sunday sun domingo dom sonntag so dimanche dim"
)

MONTHS: Final = {
    name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()
}
WEEKDAYS: Final = frozenset(_WEEKDAYS.split())


def plain(word: str) -> str:
    """In lower case and without accents: `Août` is `aout`."""
    letters = unicodedata.normalize("NFKD", word.casefold().replace("ß", "ss"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
