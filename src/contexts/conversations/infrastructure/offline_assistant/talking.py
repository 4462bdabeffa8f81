"""Small talk, and questions about the assistant itself: what the whole of a message may say."""

import re

from contexts.conversations.infrastructure.offline_assistant.message import Reading
from contexts.conversations.infrastructure.offline_assistant.phrases import one_of
from contexts.conversations.infrastructure.offline_assistant.wishes import Talk, Topic

_TAIL = one_of(
    """
    there | all | everyone | everybody | you | again | so much | very much | a lot | a bunch | mate
    for now | bot | marquee | my friend | for (?:that|this|the help|your help|everything) | then
    later | today | great | perfect | that helps | that (?:was|is|'s) (?:great|helpful|good)
    that's (?:great|all|it|perfect|helpful|good|very helpful|what i needed) | please
    """
)
_LEAD = one_of(
    """
    ok | okay | great | perfect | cool | no | alright | awesome | nice | wonderful | lovely | well
    so | and | hi | hello | hey | please | thanks | thank you
    """
)
_PHRASES: tuple[tuple[Topic, str], ...] = (
    (
        "greeting",
        """
        hi | hello | hey | heya | hiya | howdy | yo | greetings | hallo | sup | hello world
        good (?:morning|afternoon|evening|day) | morning | evening
        """,
    ),
    (
        "thanks",
        """
        thanks | thank you | thx | ty | many thanks | thank u | cheers | much appreciated
        i? ?appreciate (?:it|that) | thanks a million
        """,
    ),
    (
        "goodbye",
        """
        bye | goodbye | good bye | bye bye | see (?:you|ya) | cya | good night | farewell | so long
        that's all | that is all | have a (?:nice|good|great) \\w+ | take care | talk to you
        until next time | catch you
        """,
    ),
    (
        "who",
        """
        who (?:are|r) (?:you|u) | what (?:are|r) (?:you|u) | who (?:made|built|created|wrote) you
        are you (?:an? )?(?:real )?(?:robot|bot|human|person|ai|machine|chatbot|llm|gpt|alive|real)
        are you (?:an? )?(?:chatgpt|language model|computer|assistant|program)
        what(?:'s| is) your name | do you have a name | introduce yourself | tell me about yourself
        am i (?:talking|speaking|chatting) (?:to|with) (?:an? )?\\w+
        what(?:'s| is) (?:this|marquee)
        (?:what|which) model (?:are you|is this|do you use) | how old are you | where are you from
        how do you work
        """,
    ),
    (
        "well",
        """
        how are you(?: doing)? | how(?:'s| is) it going | how do you do | what's up
        are you (?:ok|okay|well|there) | how(?:'s| is) your day | you ok
        """,
    ),
    (
        "datasets",
        """
        (?:what|which) (?:data ?sets?|data|tables|files) (?:are|is) there(?: to ask)?
        (?:what|which) (?:data ?sets?|data|tables|files) (?:do you have|have you got|exist)
        (?:what|which) (?:data ?sets?|data|tables|files) can (?:i|you|we) (?:ask|query|use|see)
        (?:what|which) (?:data ?sets?|data|tables|files) do you know(?: about)?
        (?:what|which) (?:data ?sets?|data|tables|files) (?:are|is) (?:available|loaded)
        (?:show|list|name|tell|give)(?: me)?(?: all)?(?: the| your| my)? (?:data ?sets?|tables)
        (?:show|list|name|tell|give)(?: me)? what data (?:there is|you have)
        (?:what|which) columns (?:are there|do you have|are in \\w+|does \\w+ have|has \\w+)
        (?:show|list|name|tell)(?: me)?(?: all)?(?: the)? columns(?: (?:of|in)(?: the)? \\w+)?
        what are (?:the|your) (?:data ?sets?|tables) | data ?sets? | tables | data | what data
        do you have (?:any )?(?:data|data ?sets?) | (?:what|which) (?:data ?sets?|tables)
        (?:what|which) data ?sets? can (?:i|you|we) (?:ask|query|use)(?: about)?
        (?:list|show)(?: me)?(?: the| all)? available (?:data ?sets?|data|tables)
        """,
    ),
    (
        "help",
        """
        help | help me | can you help(?: me)? | i need (?:some )?help | commands | manual | menu
        (?:what|which things) (?:can|could) (?:you|i|u|one|we) (?:do|ask|say|type|write|help)
        what (?:sorts?|kinds?) of (?:things|stuff|questions) can (?:you|i) (?:do|ask|answer)
        what (?:can|could) (?:you|i|we) (?:do|ask)(?: you)? (?:here|about|for me|with this)
        what can you (?:tell me|help with|help me with|do for me|do here|answer) | instructions
        what can i ask you(?: about)? | what kind of questions can i ask | options | usage
        what (?:are you|you are) (?:able to do|capable of|good (?:for|at)|for)
        what (?:do|can|should) (?:you|i) (?:do|know|ask)(?: here| about)?
        how (?:can|do|should) i (?:use (?:this|you)|ask|start|begin) | how can you help(?: me)?
        (?:some |(?:give|show) me (?:some |an )?)?examples? | i don't know what to ask
        what are (?:your|the) (?:commands|features|options|capabilities)
        how (?:does|do) (?:this|it|that) work(?: here)?
        """,
    ),
    (
        "fine",
        """
        ok | okay | yes | no | yeah | yep | nope | sure | fine | great | good | cool | nice
        perfect
        alright | got it | i see | understood | awesome | wow | lol | haha+ | h?mm+ | hm | well done
        good (?:job|bot|work|one) | excellent | amazing | interesting | never ?mind | not now | stop
        nothing | sorry | oops | k | right | maybe | not really | wonderful | love it | i love you
        that's (?:great|good|nice|fine|wrong|right|cool) | you're (?:great|welcome|the best|right)
        no thanks | no thank you | of course | exactly
        """,
    ),
)
_TALK = [
    (about, re.compile(rf"(?:{_LEAD} )*{one_of(phrases)}(?: {_TAIL})*"))
    for about, phrases in _PHRASES
]


def talk_of(reading: Reading) -> Talk | None:
    """Where the whole message says nothing else."""
    words = [reading.folded[w.at : w.end] for w in reading.words if w.kind != "mark"]
    text = " ".join(words)
    return next((Talk(about) for about, pattern in _TALK if pattern.fullmatch(text)), None)
