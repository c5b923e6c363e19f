"""What a text is taken for: tables of what people write, with near misses, in English and Spanish."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.replies import HELP, START, STOP, normal, read_reply
from domain.vocabulary import ReplyKind

STOPS = [
    "STOP", "stop", "Stop.", "STOP!!!", "stooop", "S T O P", "s.t.o.p", "🛑", "StopAll", "STOP ALL", "UNSUBSCRIBE",
    "Cancel", "END", "quit", "REVOKE", "opt out", "Opt-Out", "please stop", "Stop please", "stop, thanks", "stop now",
    "please leave me alone", "Leave me alone!", "leave me be", "stop texting me", "Please stop txting me",
    "quit messaging me", "STOP SENDING ME MESSAGES", "no more texts", "no more texts please", "no more texts after 9",
    "don't text me", "dont text me again", "Do not contact me", "do not text this number", "don’t message me anymore",
    "i dont want these texts", "I don't want to be texted", "take me off your list", "remove me from this",
    "remove my number", "lose my number", "delete my number please", "unsubscribe me", "I want to opt out",
    "I revoke my consent", "go away", "enough", "not interested", "I'm not interested", "fuck off", "stop bothering me",
    "don't text me, call me", "Stop harassing me", "I said stop texting me",
    "PARAR", "Alto", "alto por favor", "PARE", "cancelar", "Basta", "ya basta", "no más", "Baja", "dar de baja",
    "no me escriban más", "no me manden mensajes", "ya no me escriba", "déjame en paz", "Déjenme en paz por favor",
    "dejen de mandarme mensajes", "deja de escribirme", "no quiero más mensajes", "no quiero que me escriban",
    "quítenme de la lista", "no más mensajes",
]  # fmt: skip

NOT_STOPS = [
    "stop by my place at 5", "Can you stop by?", "I have to stop at the clinic first", "the bus stop on 5th",
    "I'm at the stop", "don't stop texting me", "Please do not stop texting me", "please don't leave me alone",
    "don't leave me alone tonight", "cancel tomorrow, I'm sick", "can we cancel", "end of the week works",
    "I want to quit smoking", "I quit my job", "no", "no thanks", "ok", "yes", "call me", "don't call me, text me",
    "I can't stop crying", "can't stop messing up", "at the end I felt ok", "see you at the end of the street",
    "I opted for the library", "my mom said leave her alone", "remove the meeting on Friday?", "para mi mamá",
    "salgo a las 5", "no me dejes sola", "no dejes de escribirme", "no, gracias", "alto voltaje es una banda", "",
    "nonstop work today", "unstoppable", "I'd like more texts", "text me later", "who is this",
]  # fmt: skip

WRONG = [
    "wrong number", "Wrong number!", "Sorry, wrong number", "sorry you have the wrong number",
    "u have the wrong number",
    "you've got the wrong number", "I think you have the wrong number dude", "this is the wrong number",
    "They gave you the wrong number", "you are texting the wrong person", "I'm not the person you are looking for",
    "im not who you think", "nobody here by that name", "no one by that name", "this isn't her number anymore",
    "not his phone any more", "this is no longer her number", "I don't know anyone named Ada", "I am not Ada",
    "this isnt Ada", "This is not Ada", "no Ada here", "nobody named Ada lives here", "there is no Ada here",
    "Ada doesn't live here",
    "número equivocado", "Numero equivocado.", "se equivocó de número", "te equivocaste de persona", "no soy",
    "no soy Ada", "no soy la persona que busca", "no conozco a ninguna Ada", "aquí no vive Ada", "persona equivocada",
]  # fmt: skip

NOT_WRONG = [
    "who is this", "Who's this?", "quién es", "¿quién es?", "new phone who dis",
    "I gave you the wrong number for my mom",
    "I called the wrong number at first", "the pharmacy gave me the wrong number of pills", "what is wrong",
    "wrong day, I meant Friday", "I'm with the wrong people", "no soy feliz", "no soy el mismo", "I am Ada",
    "this is Ada's new number", "I have a new number", "I am not well", "I'm not ready",
    "he is the wrong person for me",
]  # fmt: skip

DANGER = [
    "I want to kill myself", "im going to kill my self", "kms", "I want to die", "i just wanna die", "i wanna be dead",
    "thinking about suicide", "feeling suicidal", "i dont want to live anymore", "I don't want to be here anymore",
    "no reason to live", "better off dead", "everyone is better off without me", "I wish I was dead",
    "i took all my pills",
    "i overdosed", "im going to hurt myself", "I keep cutting myself", "end it all", "I will end my life",
    "unalive myself", "I'm going to kill him", "he has a gun", "help me", "please help me", "Emergency", "i cant go on",
    "No quiero vivir", "ya no quiero seguir viviendo", "quiero morirme", "me quiero morir", "voy a matarme",
    "me voy a matar", "quitarme la vida", "hacerme daño", "pienso en el suicidio", "Ayúdame", "ayudame por favor",
    "sin ganas de vivir", "me tomé todas las pastillas", "Leave me alone, I want to die",
]  # fmt: skip

NOT_DANGER = [
    "my phone died", "dying to see you", "I could kill for a coffee", "killing time until 3", "that movie killed me",
    "I need help with my ID", "can you help me with the form", "I live on 5th street", "I want to live near my sister",
    "it's to die for", "the cut is healing", "my gun license expired years ago", "necesito ayuda con la renta",
    "quiero vivir con mi hermana", "no quiero ir", "HELP", "AYUDA", "see you at the end", "I'm tired",
]  # fmt: skip


@pytest.mark.parametrize("body", STOPS)
def test_a_no_is_a_no(body: str) -> None:
    reply = read_reply(body)
    assert (reply.kind, reply.asks_to_stop) == (ReplyKind.STOP, True)
    assert reply.phrase
    assert reply.phrase in reply.why


@pytest.mark.parametrize("body", NOT_STOPS)
def test_what_is_about_something_else_is_no_stop(body: str) -> None:
    assert not read_reply(body).asks_to_stop


@pytest.mark.parametrize("body", WRONG)
def test_somebody_else_answers(body: str) -> None:
    assert read_reply(body, ["Ada"]).kind is ReplyKind.WRONG_NUMBER


@pytest.mark.parametrize("body", NOT_WRONG)
def test_what_only_sounds_like_a_wrong_number(body: str) -> None:
    assert read_reply(body, ["Ada"]).kind is not ReplyKind.WRONG_NUMBER


def test_on_a_shared_number_it_is_no_wrong_number_that_somebody_else_answers() -> None:
    assert read_reply("this isn't Ada, it's her sister").kind is ReplyKind.WORDS
    assert read_reply("wrong number").kind is ReplyKind.WRONG_NUMBER


@pytest.mark.parametrize("body", DANGER)
def test_what_may_mean_danger_is_found(body: str) -> None:
    assert read_reply(body).danger


@pytest.mark.parametrize("body", NOT_DANGER)
def test_everyday_words_are_no_danger(body: str) -> None:
    assert not read_reply(body).danger


@pytest.mark.parametrize("body", ["START", "start", "Unstop", "opt in", "EMPEZAR", "reanudar", "start please"])
def test_only_start_is_a_yes(body: str) -> None:
    assert read_reply(body).kind is ReplyKind.START


@pytest.mark.parametrize(
    "body", ["yes", "YES", "sí", "start over", "you can text me", "let's start Monday", "don't start"]
)
def test_a_yes_to_something_else_is_no_start(body: str) -> None:
    assert read_reply(body).kind is ReplyKind.WORDS


@pytest.mark.parametrize("body", ["HELP", "help", "Info", "AYUDA"])
def test_who_writes_is_asked_for_with_one_word(body: str) -> None:
    assert read_reply(body).kind is ReplyKind.HELP
    assert read_reply(f"{body} please").kind is not ReplyKind.HELP


def test_a_stranger_may_ask_to_stop_as_well() -> None:
    reply = read_reply("Wrong number, stop texting me")
    assert (reply.kind, reply.asks_to_stop) == (ReplyKind.WRONG_NUMBER, True)


def test_a_no_and_danger_are_both_seen() -> None:
    reply = read_reply("leave me alone i want to die")
    assert (reply.kind, reply.danger) == (ReplyKind.STOP, "want to die")
    assert reply.why == "“leave me alone”: wants no more texts; “want to die” may mean danger"


def test_the_language_of_a_no_is_that_of_its_words() -> None:
    assert read_reply("déjenme en paz").language == read_reply("PARAR").language == "es"
    assert read_reply("leave me alone").language == read_reply("stop").language == "en"


@given(st.text(max_size=300))
def test_any_text_is_taken_for_something_and_written_loudly_for_the_same(body: str) -> None:
    reply = read_reply(body)
    assert reply.asks_to_stop is (
        reply.kind is ReplyKind.STOP or (reply.kind is ReplyKind.WRONG_NUMBER and reply.asks_to_stop)
    )
    if body.isascii():
        assert read_reply(body.upper()) == reply
        assert read_reply(f"  {body}  ") == reply
    assert normal(normal(body)) == normal(body)


@given(st.sampled_from(sorted(STOP | START | HELP)), st.text(alphabet=string.punctuation + " \n", max_size=5))
def test_a_keyword_is_known_whatever_signs_stand_around_it(word: str, signs: str) -> None:
    signs = signs.replace("'", "").replace("`", "")
    expected = read_reply(word).kind
    assert expected is not ReplyKind.WORDS
    assert read_reply(signs + word.upper() + signs).kind is expected
