"""What the demo's phone has lived through: an address book of 200, thirty chats, a busy group.

Names, numbers and words are the same every time; only the days follow the clock, so that the chats
look as if they had been led until now.
"""

from __future__ import annotations

import time

from app.sandbox.appstate import CONTACTS
from app.sandbox.demo_world import DEMO_PHONE
from app.sandbox.network import Network
from app.sandbox.past import PastChat, PastMessage
from app.sandbox.wire.jid import JID, USER_SERVER
from app.sandbox.world import PHONE, Account, Behavior, Endpoint

PEOPLE, CHATS = 200, 30
_NUMBER = "15552000{:03}"
_GROUP = "Двор на Садовой"
_GROUP_SIZE = 6
_HOUR = 3600
_MINUTE = 60
_BEHAVIORS: tuple[Behavior, ...] = ("echo", "silent", "slow")
_UNREAD = {0: 1, 2: 2, 7: 1}
"""In which chats the last words of the other one were not read yet, and how many."""

_RUSSIAN = (
    ("Анна", "Ольга", "Марина", "Игорь", "Павел", "Тимур", "Вера", "Семён", "Лидия", "Роман"),
    (
        "Ким",
        "Гончар",
        "Белых",
        "Мельник",
        "Шевченко",
        "Седых",
        "Коваль",
        "Дюма",
        "Черных",
        "Руденко",
    ),
)
_ENGLISH = (
    ("Emma", "Liam", "Olivia", "Noah", "Ava", "Ethan", "Mia", "Lucas", "Zoe", "Owen"),
    ("Walker", "Reed", "Fisher", "Stone", "Marsh", "Hale", "Brooks", "Lane", "Frost", "Wells"),
)
# Each line begins with who says it: "<" the other one, ">" the phone's owner.
_SCRIPTS: tuple[tuple[str, ...], ...] = (
    (
        "<Здравствуйте! Пионы ещё есть?",
        ">Добрый день! Да, белые и розовые",
        "<Тогда 15 розовых на завтра, к десяти",
        ">Записала. Доставка или заберёте?",
        "<Заберу сама, спасибо 🌸",
    ),
    (
        "<Hi, is my parcel on its way?",
        ">It left the depot this morning",
        "<Great. I'm home after six",
        ">The courier will call you first",
        "<Perfect, thank you!",
    ),
    (
        ">Напоминаем: завтра в 14:30 приём у доктора Руденко",
        "<Можно перенести на пятницу?",
        ">В пятницу свободно в 11:00 и в 16:15",
        "<Давайте в 16:15",
        ">Готово, ждём вас",
        "<А анализы брать с собой?",
    ),
    (
        "<Do you repair phones with a broken screen?",
        ">We do. Which model is it?",
        "<A three-year-old one, I'll send a photo later",
        ">Bring it over, it takes about an hour",
    ),
    (
        "<Счёт получили, оплатим в понедельник",
        ">Хорошо, отгрузим сразу после оплаты",
        "<Адрес прежний, Лесная, 4",
        ">Принято",
    ),
    (
        ">Your table for two at 8 pm is booked",
        "<Could we make it four people?",
        ">Sure, we'll move you to the terrace",
        "<Lovely 😊",
        "<And one of us doesn't eat nuts",
        ">Noted, the kitchen knows",
    ),
    (
        "<Ключи у консьержа?",
        ">Да, в конверте с вашим именем",
        "<Забрал. Всё отлично!",
    ),
    (
        "<Can you send me the price list again?",
        ">Of course, the new one starts in December",
        "<Thanks, we'll order next week",
    ),
)
_TALK = (
    "Кто-нибудь знает, когда дадут воду?",
    "Обещали к шести",
    "У нас во втором подъезде уже есть",
    "Отлично, спасибо!",
    "Завтра субботник, начинаем в десять",
    "Я приду с детьми и граблями",
    "Чай и пироги с меня",
    "Тогда точно все будут 😄",
)


def move_in(network: Network) -> None:
    """Let the demo's phone have lived, unless it has already."""
    owner = network.account(DEMO_PHONE)
    if _NUMBER.format(0) in network.accounts:
        return
    people = [_person(network, number) for number in range(PEOPLE)]
    owner.appstate.set_contacts([(str(JID(one.number, USER_SERVER)), one.name) for one in people])
    network.save_appstate(owner)
    network.announce_appstate(Endpoint(owner, PHONE), owner.appstate.collection(CONTACTS))
    now = int(time.time())
    chats = [_chat(owner, people[place], place, now) for place in range(CHATS)]
    network.phones[owner.number].past = [_group(network, owner, people, now), *chats]
    network.save_past(owner)


def _person(network: Network, place: int) -> Account:
    first, last = (_RUSSIAN, _ENGLISH)[place % 2]
    at = place // 2
    name = f"{first[at % len(first)]} {last[(at // len(first) + at) % len(last)]}"
    return network.add_account(_NUMBER.format(place), name, _BEHAVIORS[place % 3])


def _chat(owner: Account, other: Account, place: int, now: int) -> PastChat:
    """The later in the list, the longer ago; every fourth was led twice."""
    script = _SCRIPTS[(place // 2 * 2 + place % 2) % len(_SCRIPTS)]
    ended = now - (1 + place * 7) * _HOUR
    begun = [ended - 9 * 24 * _HOUR, ended] if place % 4 == 0 else [ended]
    messages = [
        PastMessage(
            f"3A{place:03}{talk}{line:02}DEM0",
            owner.number if said.startswith(">") else other.number,
            said[1:],
            end - (len(script) - line) * 4 * _MINUTE,
        )
        for talk, end in enumerate(begun)
        for line, said in enumerate(script)
    ]
    return PastChat(other.number, other.name, _UNREAD.get(place, 0), tuple(messages))


def _group(network: Network, owner: Account, people: list[Account], now: int) -> PastChat:
    members = people[: _GROUP_SIZE * 2 : 2]
    group = network.groups.create(Endpoint(members[0], PHONE), _GROUP, [owner, *members[1:]])
    messages = [
        PastMessage(
            f"3A900{line:03}DEM0", members[line % len(members)].number, said, now - age * _MINUTE
        )
        for line, said in enumerate(_TALK)
        for age in [30 * (len(_TALK) - line)]
    ]
    return PastChat(str(group.jid), _GROUP, 2, tuple(messages))
