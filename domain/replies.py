"""What a text from a person is taken for: a no, a yes, a wrong number, danger, or simply their words. Pure rules.

Every answer names the phrase that led to it, so that whoever reads it can judge it.

**A no.** 47 CFR 64.1200(a)(10), as the FCC set it in 2024 (FCC 24-24): a reply of “stop”, “quit”, “end”,
“revoke”, “opt out”, “cancel” or “unsubscribe” is a no by itself; other words are one when a reasonable person would
read them so. Hence a keyword counts when it is all that the text says, courtesies aside: “STOP!!”, “please cancel”. In
a sentence only phrases count that are about being written to: “stop texting me”, “leave me alone”. “Stop by my place
at 5” and “cancel tomorrow, I am sick” are about something else. In doubt about texts a no wins (“no more texts after
9”): the bridger reads the words and asks, and START brings the texts back, while a text after a no cannot be taken
back.

**A yes** is START or UNSTOP and nothing longer. The carriers take YES for one too; here it is an ordinary word, the
answer to “can we meet tomorrow?”, and nobody is to be texted again because of it (acceptance scenario 61).

**Danger** is looked for the other way round: what may mean it is shown to a clinician at once, and a false alarm costs
them a call.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from domain.vocabulary import ReplyKind


@dataclass(frozen=True, slots=True)
class Reply:
    """What a text is taken for, and because of which of its words. A text may be two things: words of danger may stand
    in any, and a stranger may ask to stop as well."""

    kind: ReplyKind
    phrase: str = ""
    asks_to_stop: bool = False
    danger: str = ""
    language: str = ""  # of the phrase, where it tells: `en`, `es`

    @property
    def why(self) -> str:
        """The reason in words; it quotes the person."""
        reasons = [f"“{self.phrase}”: {self.kind.label[:1].lower()}{self.kind.label[1:]}" if self.phrase else ""]
        reasons.append(f"“{self.danger}” may mean danger" if self.danger else "")
        return "; ".join(filter(None, reasons)) or "no phrase that we know"


def read_reply(body: str, names: Iterable[str] = ()) -> Reply:
    """What this text is taken for. `names` are those of whoever the number is on record for, where it is theirs alone:
    “I am not Ada” is a wrong number then, and somebody else's hello on a shared phone is not."""
    text = normal(body)
    danger = _first(_DANGER, text) or (text if _bare(text) in _CALLS_FOR_HELP else "")
    stop, language = _stop(text)
    wrong = _wrong_number(text, names)
    if wrong:
        return Reply(ReplyKind.WRONG_NUMBER, wrong, bool(stop), danger, language)
    if stop:
        return Reply(ReplyKind.STOP, stop, True, danger, language)
    bare = _bare(text)
    if bare in START:
        return Reply(ReplyKind.START, bare, danger=danger, language=_language(bare))
    if text in HELP:
        return Reply(ReplyKind.HELP, text, danger=danger, language=_language(text))
    return Reply(ReplyKind.WORDS, danger=danger)


STOP = frozenset(
    {"stop", "stop all", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "opt out", "optout", "remove",
     "stop it", "stop this", "stop that", "enough", "no more", "not interested", "im not interested", "go away",
     "fuck off", "piss off", "get lost", "stop messages", "stop texts",
     "parar", "pare", "paren", "para", "alto", "detener", "detenganse", "cancelar", "basta", "ya basta", "no mas",
     "baja", "dar de baja", "terminar", "salir", "desuscribir"}
)  # fmt: skip
"""A no when it is all that the text says: the carriers' words, the FCC's, and what means only that."""
START = frozenset({"start", "unstop", "opt in", "optin", "empezar", "iniciar", "comenzar", "reanudar"})
HELP = frozenset({"help", "info", "ayuda", "informacion"})
"""Carriers ask that these are answered with who writes and how to stop it."""

_SPANISH = frozenset(
    {"parar", "pare", "paren", "para", "alto", "detener", "detenganse", "cancelar", "basta", "mas", "baja", "dar",
     "terminar", "salir", "desuscribir", "empezar", "iniciar", "comenzar", "reanudar", "ayuda", "informacion", "de",
     "no", "ya"}
)  # fmt: skip
_COURTESY = frozenset(
    {"please", "thanks", "thank", "you", "now", "ok", "okay", "hi", "hello", "hey", "sir", "maam", "immediately",
     "already", "por", "favor", "gracias", "ya", "hola", "senor", "senora", "ahora"}
)  # fmt: skip
_SHORT = {
    "u": "you", "ur": "your", "plz": "please", "pls": "please", "txt": "text", "txts": "texts", "txting": "texting",
    "msg": "message", "msgs": "messages", "dnt": "dont", "wanna": "want to", "gonna": "going to", "kms": "kill myself",
    "xfa": "por favor", "porfa": "por favor", "porfavor": "por favor", "q": "que", "wrng": "wrong",
}  # fmt: skip
_NOT = frozenset(["dont", "not", "never", "didnt", "doesnt", "cant", "couldnt", "wont", "wouldnt", "no", "nunca"])
_ABOUT = r"(texts?|text messages?|messages?|reminders?|texting|messaging)"

_STOP_EN = (
    r"(stop|quit) (texting|messaging|contacting|bothering|bugging|harassing|spamming|pestering|calling)\b",
    r"(stop|no more|quit|cancel|end)( sending| with| getting)?( me| us)?( all| any| the| these| those| your| of)* "
    + _ABOUT,
    r"(dont|do not|never|stop) (you )?(ever )?(text|message|contact|write|bother) (to )?(me|us|this number|here)\b",
    r"(dont|do not) (ever )?(text|message|contact|bother|write)( back)? (again|anymore|any more)\b",
    r"(dont|do not) want( any| any more| more| these| your| the| to get| to receive| to be)*"
    rf" ({_ABOUT}|texted|contacted|messaged)",
    r"leave me (alone|be)\b",
    r"(take|get) me off\b",
    r"(remove|delete|erase|lose|forget) (me|my number|this number)\b",
    r"unsubscribe\b",
    r"opt (me )?out\b",
    r"revoke (my )?consent\b",
    r"(fuck|piss) off\b",
)
_STOP_ES = (
    r"(deja|dejen|deje|dejenme|dejame|paren|pare) de (escribir|mandar|enviar|molestar|textear|contactar|llamar)\w*",
    r"no me (escrib|mand|envi|molest|contact|texte)\w+",
    r"(dejame|dejenme|dejeme) en paz\b",
    r"(quit|borr|saqu|elimin)\w+ de (la |su |esta |tu )?lista\b",
    r"no (quiero|deseo|quisiera) (recibir )?(mas )?(mensajes|textos|recordatorios)\b",
    r"no (quiero|deseo) que me (escrib|mand|envi|molest|contact)\w+",
    r"(no mas|basta de) (mensajes|textos)\b",
    r"dar(me)? de baja\b",
)
_WRONG = (
    r"(you|youve|yall|have|got|is|its|sorry|texted|texting|reached) (got |have )?(a |the )?wrong (number|phone)",
    r"(you|youve|yall|texted|texting|reached) (got |have )?(a |the )?wrong person",
    r"^wrong (number|person|phone)",
    r"wrong (number|phone)$",
    r"not (who|the person|the one) (that )?you (are|re|think|want|need)\b",
    r"(nobody|no one|noone) (here )?(by|with|called|named|of) (that name|this name)",
    r"no one (called|named) \w+|nobody (called|named) \w+|there is no one (called|named)",
    r"dont know (any ?one|any ?body|a person) (named|called|by that name|with that name)",
    r"(isnt|is not|not) (his|her|their) (number|phone)( anymore| any more)?\b",
    r"(no longer) (his|her|their) (number|phone)\b",
    r"(numero|telefono) equivocado",
    r"persona equivocada",
    r"(te|se) (equivocaste|equivoco|equivocaron|han equivocado|ha equivocado) de (numero|persona|telefono)",
    r"^(te|se) (equivocaste|equivoco|equivocaron)$",
    r"no soy (esa persona|la persona|quien (busca|cree|piensa|usted)\w*|(a quien|el que|la que) busca\w*)",
    r"no soy( ella| el)?$",
    r"no conozco a (nadie|ninguna persona) (con ese nombre|que se llame|llamad[oa])",
)
_OWN_SLIP = re.compile(
    r"\b(i|we|yo)( \w+)? (gave|give|dialed|called|texted|had|wrote|put|have|got|wrote down)\b( \w+)* wrong"
)
"""“I gave you the wrong number of my mother” speaks of another number than theirs."""
_DANGER = (
    r"kill(ing)? (my ?self|me ?self)\b",
    r"kill(ing)? (him|her|them|someone|somebody|everyone|you)\b",
    r"(end|ending|take|taking) (my|my own) life\b|end it all\b|ending it all\b",
    r"(want|wants|ready|going|rather|wish|deserve|need) (to |i could |i would |i )?(just )?"
    r"(die|be dead|not exist|not wake up)\b",
    r"wish i (was|were) dead\b|better off (dead|without me)\b|wish i (was|were) never born\b",
    r"suicid\w*|unalive\w*",
    r"(dont|do not) want to (live|be alive|be here|exist|wake up)\b( anymore)?",
    r"(no|nothing) (reason |point )?(to live|in living|left to live)\b|cant go on( anymore)?$|tired of living\b",
    r"(hurt|hurting|harm|harming|cut|cutting) (my ?self)\b|hang my ?self\b|shoot my ?self\b|jump off\b|slit my\b",
    r"(hurt|hurting|harm|stab|shoot) (him|her|them|someone|somebody)\b",
    r"overdos\w*|took (all|too many|a lot of)( of)?( my| the)? (pills|meds|medication)\b|od(ed|ing)\b",
    r"(got|have|has) a gun\b|in danger\b|hes going to (hurt|kill)\b|cant breathe\b|call (911|an ambulance)\b",
    r"say(ing)? goodbye (forever|to everyone)\b|this is goodbye\b",
    r"mat(ar|o|aria|e)me\b|me (voy a|quiero|quisiera|puedo) matar\b|voy a matar\w*",
    r"quitarme la vida\b|(acabar|terminar) con (mi vida|todo)\b|me quito la vida\b",
    r"no quiero (seguir )?(viviendo|vivir|existir|despertar)\b|no vale la pena vivir\b|sin ganas de vivir\b",
    r"(quiero|prefiero|quisiera) morir\w*|me quiero morir\b|ojala (me muera|estuviera muert[oa])\b",
    r"(hacerme|me hago|me voy a hacer) dano\b|cortarme\b|ahorcarme\b|colgarme\b|me tome todas las pastillas\b",
    r"sobredosis\b|estoy en peligro\b|llamen? (al 911|una ambulancia)\b",
)
_CALLS_FOR_HELP = frozenset(
    {"help me", "i need help", "need help", "help help", "emergency", "ayudame", "ayudeme", "necesito ayuda",
     "auxilio", "socorro", "emergencia", "911", "988", "crisis", "im in crisis", "sos"}
)  # fmt: skip
"""All that the text says. “I need help with my ID” is work for the bridger; these alone may be more."""


def normal(body: str) -> str:
    """The words of a text as they are compared: no accents, capitals or signs; “S.T.O.P” and the stop sign are stop."""
    text = unicodedata.normalize("NFKD", body.replace("\N{OCTAGONAL SIGN}", " stop ").casefold())
    text = re.sub(r"['’‘ʼ`´]", "", "".join(c for c in text if not unicodedata.combining(c)))
    text = re.sub(r"([a-z])\1{2,}", r"\1", text.casefold())  # once more: taking an accent away may leave a capital
    words = re.findall(r"[^\W_]+", text)
    if len(words) > 1 and all(len(word) == 1 for word in words):
        words = ["".join(words)]
    return " ".join(_SHORT.get(word, word) for word in words)


def _bare(text: str) -> str:
    """A text without its courtesies."""
    return " ".join(word for word in text.split() if word not in _COURTESY)


def _stop(text: str) -> tuple[str, str]:
    """The phrase that is a no, and its language; nothing when there is none."""
    for bare in (_bare(text), text):
        if bare in STOP:
            return bare, _language(bare)
    if phrase := _first(_STOP_EN, text, unless_denied=True):
        return phrase, "en"
    phrase = _first(_STOP_ES, text, unless_denied=True)
    return phrase, "es" if phrase else ""


def _wrong_number(text: str, names: Iterable[str]) -> str:
    if _OWN_SLIP.search(text):
        return ""
    return _first(_WRONG, text) or _first(_not_them(names), text)


def _not_them(names: Iterable[str]) -> tuple[str, ...]:
    """How people say that they are not somebody, in a pattern for each name."""
    found = []
    for name in {normal(name) for name in names} - {""}:
        one = re.escape(name)
        found += [
            rf"(im|i am|this is|you are texting) not {one}\b|(this isnt|this aint|it isnt|it is not) {one}\b",
            rf"^not {one}\b",
            rf"(no|nobody|no one)( named| called)? {one}( lives| is)? (here|at this number)\b",
            rf"(there is|theres) no {one}\b|dont know (any |a |no |who )?{one}\b|{one} doesnt (live here|have this)",
            rf"no soy {one}\b|no conozco a (ningun |ninguna )?{one}\b",
            rf"aqui no (vive|hay|esta) (ningun |ninguna )?{one}\b",
        ]
    return tuple(found)


def _first(patterns: Iterable[str], text: str, *, unless_denied: bool = False) -> str:
    """The first words of the text that match. `unless_denied`: “please do not stop texting me” is no match."""
    for pattern in patterns:
        for found in re.finditer(rf"\b(?:{pattern})" if not pattern.startswith("^") else pattern, text):
            before = text[: found.start()].split()[-2:]
            if not (unless_denied and _NOT & set(before)):
                return found[0].strip()
    return ""


def _language(phrase: str) -> str:
    return "es" if set(phrase.split()) <= _SPANISH else "en"
