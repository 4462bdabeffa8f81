"""Words that say nothing about an event, words that tell what is wanted, and words of languages."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EVENTS = words(
    """
    event events concert concerts gig gigs performances plays festival festivals theatre theater
    comedy opera ballet musical musicals exhibition exhibitions jazz circus dance cabaret recital
    recitals bands matinee matinees screening screenings workshop workshops music
    """
)
"""What can be gone to. That it stands in a message tells that the catalogue is meant."""

KINDS = words(
    """
    concert concerts gig gigs play plays festival festivals performance performances exhibition
    exhibitions screening screenings recital recitals kids children family
    """
)
"""What events are called that titles seldom say."""

ALIKE = {
    "children": "kids", "child": "kids", "kid": "kids", "kids": "children", "gig": "concert",
    "gigs": "concert", "recital": "concert", "theater": "theatre", "theatre": "theater",
    "play": "theatre", "plays": "theatre", "comedian": "comedy", "comedians": "comedy",
}  # fmt: skip
"""Words for the same, of which titles may have the other one."""

ANY = words(
    """
    event events show shows thing things something anything ticket tickets seat seats place places
    one ones stuff offer offers offered lineup programme program catalogue catalog listing listings
    nothing everything everybody anyone activities entertainment options option any all some
    """
)

FILLER = ANY | words(
    """
    a an the this that these those there here it its they them their me my i i'm i'd i'll i've we
    we're us our you your is isn't are aren't was were be been being am do does did done can could
    will would shall should may might must have has had having get got give go goes going gone
    want wants wanted like love prefer need needs looking look for find show tell list search see
    watch hear listen attend visit know what what's whats which who who's whose when when's where
    where's how how's why whether if of at on in to from with without by about as into near around
    during over up down out off and or but so then than too also just only really very please
    pls plz kindly thanks thank hey hi hello well ok okay yes yeah good nice great cool fun best
    interesting top recommended recommend recommendation recommendations suggest suggestion
    suggestions popular happening happen happens playing perform performing performs held
    taking take takes run runs running start starts starting begin begins beginning open opens
    opening closing left
    coming upcoming next soon future new latest later now currently still available tonight
    let let's lets more else other another instead rather maybe perhaps again right
    cost costs costing price prices priced pay paying spend buy euro euros money worth
    time times date dates day days night nights week month year hour hours am pm
    city town area world venue venues called named titled no not don't doesn't didn't much many
    lot lots bit kind kinds sort type types every each both either it's that's there's there're
    anything's something's ideas idea plan plans spare evening afternoon morning weekend
    weekends gimme friend friends earlier until till before after since between through within
    next upcoming ever most title titles titled word words again repeat
    """
)
"""Words that a search may hold without looking for them."""

CALENDAR = words(
    """
    january february march april may june july august september october november december jan feb
    mar apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday
    sunday mon tue wed thu fri sat sun christmas xmas easter halloween new year year's years eve
    valentine's valentines boxing spring summer autumn fall winter today tomorrow tonight yesterday
    weekend weekends week next this last fridays saturdays sundays
    """
)
"""Words for a time, which no name of an event begins or ends with as far as can be told."""

MONTH_WORDS = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)

SPELT = words(
    """
    january february march april august september october november december monday tuesday
    wednesday thursday friday saturday sunday yesterday tomorrow tonight weekend
    """
)
"""Words for a time that are known with a slip of the pen, too: "tomorow", "decembre"."""

SPELT_TOO = words(
    """
    concert concerts events tickets theatre comedy exhibition circus cheapest cheaper revenue
    products evening afternoon morning
    """
)
"""Others that are: those that much hangs on."""

SHORT = {
    "tmrw": "tomorrow", "tmr": "tomorrow", "tonite": "tonight", "today's": "today", "nxt": "next",
    "wknd": "weekend", "wkend": "weekend", "u": "you", "ur": "your", "wat": "what", "wht": "what",
    "whats": "what's", "shwo": "show", "sho": "show", "teh": "the", "evnts": "events",
    "hw": "how", "totl": "total", "mnth": "month", "mnths": "months", "wk": "week", "yr": "year",
    "concerto": "concerto",
}  # fmt: skip
"""What people write in a hurry, and one word that is no slip."""

STARTERS = ANY | words(
    """
    a an the i i'm i'd i'll we we're is are was were do does did can could will would shall should
    may what what's which who who's when when's where where's how how's why find show list search
    look looking see watch hear get got give tell want need like please hi hello hey thanks and or
    but so for in on at to from with about my our any some next this these that there there's
    cheapest cheap best top good concert concerts gig gigs
    """
)
"""Words with a capital for no other reason than that a sentence begins with them."""

FIGURES = words(
    """
    total totals average median sum count revenue sales turnover income earnings profit percent
    percentage share number chart pie bar line graph table per price prices value amount month
    monthly weekly daily day hour quarter weekday top best most least highest lowest
    """
)
"""Words that questions for figures are made of."""

FOREIGN = {
    "Spanish": words(
        """
        que hay el los las una unos para por con del este esta fin semana cuando donde quiero como
        cuanto cuantos cuantas hoy manana noche gracias hola buenos dias entradas conciertos esto
        son muchas cuesta puedo ventas
        """
    ),
    "French": words(
        """
        les des une est que quoi pour avec dans cette ce semaine quels quelles quel bonjour merci
        je veux vous demain soir aujourd'hui combien ou sont spectacle spectacles billets y a-t-il
        voudrais du ventes
        """
    ),
    "German": words(
        """
        was wann wo wie ist sind der das ein eine und nicht fur mit heute morgen abend gibt es
        wochenende konzert konzerte ich mochte bitte danke guten welche diese viele karten im am
        diesem nachste umsatz pro monat jahr woche tag
        """
    ),
    "Italian": words(
        """
        che cosa sono il lo gli una per con questo questa fine settimana domani stasera quando
        dove voglio concerti ci ciao grazie buongiorno quanto biglietti vorrei di
        """
    ),
    "Portuguese": words(
        """
        que ha os uma para com este esta fim semana quando onde quero amanha hoje noite obrigado
        ola ingressos bilhetes shows eu voce quanto sao
        """
    ),
    "Catalan": words(
        """
        quins hi ha els les aquest cap setmana avui dema vull gracies bon dia quan amb concerts
        """
    ),
    "Dutch": words(
        """
        wat is er dit het een van voor met morgen vanavond weekend hoeveel wanneer waar ik wil
        dank graag welke zijn concerten
        """
    ),
}
"""Common words of other languages, folded. A language is told by two that no English has."""

ENGLISH = words(
    """
    the a an is are was what which who when where how in on at of for to from with and or any
    there this that these next show me i you do does can only about by tickets events concerts
    under over please more tonight today tomorrow under than it my
    """
)

DATA_NOUNS = words(
    """
    product products waiter waiters customer customers client clients orders row rows column
    columns dataset datasets invoice invoices receipt receipts genre genres channel channels
    category categories seller sellers employee employees refunds refunded bought sold purchased
    purchases units quantity quantities discounts supplier suppliers stores region regions
    """
)
"""What tables of businesses are about. It tells that data is meant where no event is."""
