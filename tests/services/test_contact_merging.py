"""Contacts that are one person: found, merged, and one person everywhere afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from flask.ctx import AppContext
from sqlalchemy import select

from app.clock import utcnow
from app.core.errors import AppError, Invalid, NotFound
from app.extensions import db
from app.models import Chat, Contact, ContactImport, Instance, LinkedAccount, Message, User
from app.services import (
    contact_duplicates,
    contact_exports,
    contact_files,
    contact_imports,
    contact_lists,
    contact_merging,
    contact_order,
    contact_selection,
    contacts,
    erasures,
    file_copying,
    whatsapp_contacts,
)
from app.services.contact_duplicates import Likeness
from app.services.contact_lists import Order, Source, Wish
from app.services.file_rows import Entry, Judged, Plan
from app.transaction import transaction
from tests import factories

WORK, HOME = "79161234567", "79261112233"


@pytest.fixture
def shop(app_context: AppContext, bob: User) -> Instance:
    """An instance of Bob's with a linked phone."""
    instance = factories.instance(bob)
    factories.linked_account(instance, phone="15551000002")
    return db.session.get_one(Instance, instance.id)


@pytest.fixture
def account(shop: Instance) -> LinkedAccount:
    assert shop.account
    return shop.account


@pytest.fixture
def anna(shop: Instance) -> tuple[Contact, Contact]:
    """Anna, kept by two numbers."""
    work = factories.contact(shop, phone=WORK, name="Анна", tags=["VIP"], note="Пионы")
    home = factories.contact(shop, phone=HOME, name="Аня дом", tags=["vip", "опт"], note="До 18:00")
    return work, home


def merge(shop: Instance, *people: Contact, **wished: object) -> Contact:
    with transaction():
        place = db.session.get_one(Instance, shop.id)
        ids = [one.id for one in people]
        kept = contact_merging.merge(place, ids, **({"keep": ids[0]} | wished))  # type: ignore[arg-type]
        kept_id = kept.id
    return db.session.get_one(Contact, kept_id)


def everybody() -> list[Contact]:
    db.session.expire_all()
    return list(db.session.scalars(select(Contact)))


def found(shop: Instance, **wish: object) -> list[str]:
    wanted = Wish(source=Source.DATABASE, **wish)  # type: ignore[arg-type]
    page = contact_lists.page_of(shop, wanted, country="RU")
    return [line.person.shown_name for line in page.lines]


def test_nothing_that_was_typed_is_lost(shop: Instance, anna: tuple[Contact, Contact]) -> None:
    kept = merge(shop, *anna)
    assert (kept.phone, kept.name) == (WORK, "Анна")
    assert kept.tags == ["VIP", "опт"]
    assert kept.note == "Пионы\n\nДо 18:00\n\nДругие имена: Аня дом"
    assert [one.phone for one in kept.other_numbers] == [HOME]
    assert everybody() == [kept]


def test_what_the_person_chose_goes_before_the_rule(
    shop: Instance, anna: tuple[Contact, Contact]
) -> None:
    wished = {"keep": anna[1].id, "name": "Анна Смирнова", "tags": ["опт"], "note": "Пионы"}
    kept = merge(shop, *anna, **wished, keep_names=False)
    assert (kept.id, kept.phone, kept.name) == (anna[1].id, HOME, "Анна Смирнова")
    assert (kept.tags, kept.note) == (["опт"], "Пионы")


def test_the_look_before_shows_who_was_written_with_last_first_and_all_names(
    shop: Instance, account: LinkedAccount, anna: tuple[Contact, Contact]
) -> None:
    hidden = factories.contact(shop, phone=None, lid="8001", push_name="anna")
    factories.chat(account, phone=None, lid="8001", last_text="Now")
    at = utcnow() - timedelta(hours=1)
    factories.chat(account, phone=HOME, lid=None, last_at=at, last_text="Hi")
    people = [anna[0].id, hidden.id, anna[1].id]
    proposal = contact_merging.proposal_of(shop, people)
    assert [line.person.phone for line in proposal.lines] == [HOME, WORK, None]
    assert [one.phone for one in proposal.keeps] == [HOME, WORK]
    assert proposal.names == ["Аня дом", "Анна", "anna"]
    assert (proposal.tags, proposal.note) == (["vip", "опт"], "До 18:00\n\nПионы")


def test_merging_once_more_changes_nothing(shop: Instance, anna: tuple[Contact, Contact]) -> None:
    ids = [one.id for one in anna]
    kept = merge(shop, *anna)
    note, at = kept.note, kept.updated_at
    with transaction():
        place = db.session.get_one(Instance, shop.id)
        again = contact_merging.merge(place, ids, keep=ids[0], name="Other", note="Other")
        assert again.id == kept.id
    (kept,) = everybody()
    assert (kept.name, kept.note, kept.updated_at) == ("Анна", note, at)


def test_the_id_of_a_merged_contact_shows_the_one_it_is_part_of(
    shop: Instance, anna: tuple[Contact, Contact]
) -> None:
    former = anna[1].id
    kept = merge(shop, *anna)
    assert contacts.get_for(shop, former, follow=True) is kept
    with pytest.raises(NotFound):  # whoever deletes it does not mean the other one
        contacts.get_for(shop, former)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("one", "too_few_contacts"),
        ("unknown", "contact_not_found"),
        ("hidden", "keep_without_number"),
        ("note", "note_too_long"),
        ("tags", "too_many_tags"),
        ("many", "too_many_contacts"),
    ],
)
def test_what_cannot_be_one_contact_is_refused_and_stays_as_it_is(
    shop: Instance, anna: tuple[Contact, Contact], case: str, code: str
) -> None:
    people, wished = [*anna], {}
    if case == "one":
        people = [anna[0], anna[0]]
    elif case == "unknown":
        people = [anna[0], replace_id(anna[1])]
    elif case == "hidden":
        people.append(factories.contact(shop, phone=None, lid="8001"))
        wished = {"keep": people[-1].id}
    elif case == "note":
        people.append(factories.contact(shop, note="n" * 1990))
    elif case == "tags":
        people.append(factories.contact(shop, tags=[f"tag {number}" for number in range(10)]))
    else:
        people += [factories.contact(shop) for _ in range(9)]
    count = len(everybody())
    with pytest.raises(AppError) as refusal:
        merge(shop, *people, **wished)
    assert refusal.value.code == code
    assert len(everybody()) == count


def replace_id(contact: Contact) -> Contact:
    return Contact(id=f"{contact.id}x")


def test_nobody_merges_what_is_somebody_elses(
    shop: Instance, anna: tuple[Contact, Contact], charlie: User
) -> None:
    theirs = factories.contact(factories.instance(charlie))
    with pytest.raises(NotFound):
        merge(shop, anna[0], theirs)
    assert len(everybody()) == 3


def test_chats_of_all_numbers_keep_their_messages_and_have_one_name(
    shop: Instance, account: LinkedAccount, anna: tuple[Contact, Contact]
) -> None:
    chats = [factories.chat(account, phone=phone, lid=None) for phone in (WORK, HOME)]
    messages = [factories.message(chat).id for chat in chats]
    merge(shop, *anna)
    db.session.expire_all()
    assert [db.session.get_one(Chat, one.id).shown_name for one in chats] == ["Анна", "Анна"]
    assert [db.session.get_one(Message, one).chat_id for one in messages] == [c.id for c in chats]
    later = factories.chat(account, phone=None, lid="8001")
    with transaction():
        (kept,) = everybody()
        kept.numbers[0].lid = "8001"
        contacts._tell(db.session.get_one(Instance, shop.id), kept)
    assert db.session.get_one(Chat, later.id).shown_name == "Анна"


@pytest.mark.parametrize("text", ["8 926 111", "916 123", "опт", "анна"])
def test_it_is_found_by_every_number_and_tag(
    shop: Instance, anna: tuple[Contact, Contact], text: str
) -> None:
    merge(shop, *anna)
    assert found(shop, text=text) == ["Анна"]


def test_a_number_that_was_merged_is_a_contact_already(
    shop: Instance, anna: tuple[Contact, Contact]
) -> None:
    kept = merge(shop, *anna)
    other = factories.contact(shop, phone="79990000000", name="Other")
    with pytest.raises(contacts.ContactExists) as refusal, transaction():
        contacts.add(
            db.session.get_one(Instance, shop.id), phone=f"+{HOME}", name="New", country="RU"
        )
    assert refusal.value.contact.id == kept.id
    with pytest.raises(contacts.ContactExists), transaction():
        place = db.session.get_one(Instance, shop.id)
        again = db.session.get_one(Contact, other.id)
        contacts.change(place, again, phone=HOME, name="", country="RU")


def test_another_number_becomes_the_main_one_and_one_is_forgotten(
    shop: Instance, account: LinkedAccount, anna: tuple[Contact, Contact]
) -> None:
    chat = factories.chat(account, phone=WORK, lid=None, name="push")
    kept = merge(shop, *anna)
    with transaction():
        kept.lid, kept.numbers[0].lid = "8001", "8002"
    with transaction():
        place = db.session.get_one(Instance, shop.id)
        contacts.change(
            place, db.session.get_one(Contact, kept.id), phone=HOME, name="Анна", country="RU"
        )
    (kept,) = everybody()
    assert kept.addresses == [(HOME, "8002"), (WORK, "8001")]
    assert db.session.get_one(Chat, chat.id).shown_name == "Анна"
    with transaction():
        place, kept = db.session.get_one(Instance, shop.id), everybody()[0]
        drop = [one.id for one in kept.numbers]
        contacts.change(place, kept, phone=HOME, name="Анна", country="RU", drop=drop)
    (kept,) = everybody()
    assert kept.addresses == [(HOME, "8002")]
    assert db.session.get_one(Chat, chat.id).shown_name == "push"
    assert found(shop, text="916 123") == []


@dataclass(frozen=True)
class Known:
    """A person as the engine tells of them."""

    phone: str | None
    lid: str | None = None
    book_name: str = ""
    push_name: str = ""
    business_name: str = ""


def run_import(shop: Instance) -> tuple[int, int, int]:
    with transaction():
        job_id = contact_imports.start(db.session.get_one(Instance, shop.id)).id
    more = True
    while more:
        with transaction():
            more = contact_imports.copy_batch(job_id)
    job = db.session.get_one(ContactImport, job_id)
    return job.added, job.updated, job.unchanged


def test_importing_again_brings_no_duplicate_back(
    shop: Instance, account: LinkedAccount, anna: tuple[Contact, Contact]
) -> None:
    with transaction():
        people = [Known(WORK, "8001", "Anna work"), Known(HOME, "8002", "Anna home")]
        whatsapp_contacts.write(db.session.get_one(LinkedAccount, account.id), people)
    merge(shop, *anna)
    assert run_import(shop) == (0, 2, 0)
    assert run_import(shop) == (0, 0, 2)
    (kept,) = everybody()
    assert kept.addresses == [(WORK, "8001"), (HOME, "8002")]
    assert (kept.name, kept.book_name) == ("Анна", "Anna work")
    assert found(shop, text="anna home") == ["Анна"]


def test_a_lid_that_was_merged_goes_to_the_number_that_whatsapp_says_it_is_of(
    shop: Instance, account: LinkedAccount
) -> None:
    numbered = factories.contact(shop, phone=WORK, name="Anna")
    hidden = factories.contact(shop, phone=None, lid="8001", note="By LID")
    kept = merge(shop, numbered, hidden)
    assert kept.addresses == [(WORK, None), (None, "8001")]
    with transaction():
        here = db.session.get_one(LinkedAccount, account.id)
        whatsapp_contacts.write(here, [Known(WORK, "8001", "Anna")])
    assert run_import(shop) == (0, 1, 0)
    assert run_import(shop) == (0, 0, 1)
    (kept,) = everybody()
    assert (kept.addresses[0], kept.other_numbers) == ((WORK, "8001"), [])
    other = factories.contact(shop, phone=None, lid="8002")
    factories.whatsapp_contact(account, phone=HOME, lid="8002")
    home = factories.contact(shop, phone=HOME)
    kept = merge(shop, home, other)
    assert kept.addresses[0] == (HOME, "8002")


def test_a_file_with_both_numbers_takes_no_name_from_the_merged_one(
    shop: Instance, anna: tuple[Contact, Contact]
) -> None:
    merge(shop, *anna)

    def row(phone: str, name: str) -> Judged:
        return Judged(Entry(1, name, phone), phone, name)

    rows = [row(HOME, "Аня дом"), row(WORK, "Анна Смирнова")]
    counts = []
    for _ in range(2):
        with transaction():
            place = db.session.get_one(Instance, shop.id)
            draft = contact_files.add(place, "a" * 32, "x.csv", Plan(columns={"phone": 0}))
            contact_files.start(draft, Plan(columns={"phone": 0}))
            file_copying.begin(draft.id, 2)
        with transaction():
            file_copying.copy(draft.id, 0, rows)
        counts.append((draft.added, draft.updated, draft.unchanged))
    assert counts == [(0, 1, 1), (0, 0, 2)]
    assert [one.name for one in everybody()] == ["Анна Смирнова"]


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_it_stands_once_in_the_list_by_its_newest_chat(
    shop: Instance,
    account: LinkedAccount,
    anna: tuple[Contact, Contact],
    few: int,
    limit: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contact_order, "FEW", few)
    boris = factories.contact(shop, name="Борис в", phone="79030000001")
    factories.contact(shop, name="Вера", phone="79030000002")
    for minutes, phone in ((30, WORK), (20, boris.phone), (10, HOME)):
        at = utcnow() - timedelta(minutes=minutes)
        factories.chat(account, phone=phone, lid=None, last_at=at, last_text="Hi")
    merge(shop, *anna)
    names: list[str] = []
    wish, cursor = Wish(Source.DATABASE, "", Order.LAST_MESSAGE, None, limit), ""
    for text in ("", "в"):
        names, cursor = [], ""
        while cursor is not None:
            page = contact_lists.page_of(
                shop, replace(wish, text=text, cursor=cursor or None), country="RU"
            )
            names += [line.person.shown_name for line in page.lines]
            cursor = page.next  # type: ignore[assignment]
        assert names == (["Анна", "Борис в", "Вера"] if not text else ["Борис в", "Вера"])
    (line,) = contact_lists.lines_of(shop, [one for one in everybody() if one.name == "Анна"])
    assert line.chat and line.chat.phone == WORK
    assert [chat.phone for chat in line.other_chats] == [HOME]
    assert line.last_at == line.other_chats[0].last_at


def test_exports_name_every_number(shop: Instance, anna: tuple[Contact, Contact]) -> None:
    merge(shop, *anna)
    wish = Wish(Source.DATABASE)
    table = "".join(contact_exports.as_csv(shop, wish, ["Name"], country="RU"))
    assert "7 916 123-45-67;" in table
    assert "7 926 111-22-33" in table
    cards = "".join(contact_exports.as_vcards(shop, wish, country="RU"))
    assert cards.count("BEGIN:VCARD") == 1
    assert [line for line in cards.splitlines() if line.startswith("TEL")] == [
        f"TEL;TYPE=CELL:+{WORK}",
        f"TEL;TYPE=CELL:+{HOME}",
    ]


def test_deleting_it_names_the_chats_of_all_its_numbers_anew(
    shop: Instance, account: LinkedAccount, anna: tuple[Contact, Contact]
) -> None:
    chat = factories.chat(account, phone=HOME, lid=None, name="push")
    kept = merge(shop, *anna)
    with transaction():
        contact_selection.delete(db.session.get_one(Instance, shop.id), [kept.id])
    db.session.expire_all()
    assert db.session.get_one(Chat, chat.id).shown_name == "push"


def test_erasing_it_erases_the_chats_of_all_its_numbers(
    shop: Instance, account: LinkedAccount, anna: tuple[Contact, Contact], bob: User
) -> None:
    for phone in (WORK, HOME):
        factories.message(factories.chat(account, phone=phone, lid=None))
    kept = merge(shop, *anna)
    loss = erasures.loss_of(shop, erasures.person_of(shop, kept))
    assert (loss.chats, loss.messages) == (2, 2)
    actor = db.session.get_one(User, bob.id)
    erasures.erase(
        lambda: db.session.get_one(Instance, shop.id), kept.id, typed=f"+{WORK}", actor=actor
    )
    assert everybody() == []
    assert list(db.session.scalars(select(Message))) == []


def likely(shop: Instance, **how: object) -> list[tuple[Likeness, list[str]]]:
    page = contact_duplicates.page_of(db.session.get_one(Instance, shop.id), **how)  # type: ignore[arg-type]
    return [(one.likeness, [line.person.shown_name for line in one.lines]) for one in page.groups]


def test_a_person_by_number_and_by_lid_is_found(shop: Instance, account: LinkedAccount) -> None:
    factories.contact(shop, phone=WORK, name="A")
    factories.contact(shop, phone=None, lid="8001", name="B")
    factories.contact(shop, phone=HOME, lid="8009", name="C")
    factories.contact(shop, phone="79030000001", name="D")
    factories.whatsapp_contact(account, phone=WORK, lid="8001")
    factories.whatsapp_contact(account, phone=HOME, lid="8009")
    assert likely(shop) == [(Likeness.SAME_PERSON, ["A", "B"])]
    factories.chat(account, phone="79030000001", lid="8009")  # the person changed the number
    assert likely(shop)[1] == (Likeness.SAME_PERSON, ["D", "C"])


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("5215512345678", "525512345678", True),
        ("5491112345678", "541112345678", True),
        ("5511987654321", "551187654321", True),
        ("5511887654321", "551187654321", False),
        ("5511987654321", "551187654322", False),
        ("79161234567", "7916123456", False),
    ],
)
def test_one_number_in_two_notations_is_found(
    shop: Instance, one: str, other: str, are_same: bool
) -> None:
    factories.contact(shop, phone=one, name="A")
    factories.contact(shop, phone=other, name="B")
    assert likely(shop) == ([(Likeness.SAME_NUMBER, ["A", "B"])] if are_same else [])


def test_the_same_name_is_a_weaker_hint_and_comes_page_by_page(shop: Instance) -> None:
    for name in ("Анна", "анна", "Борис", "борис ", "Вера", "", ""):
        factories.contact(shop, name=name)
    page = contact_duplicates.page_of(shop, limit=1)
    assert [one.likeness for one in page.groups] == [Likeness.SAME_NAME]
    assert likely(shop, limit=1) == [(Likeness.SAME_NAME, ["Анна", "анна"])]
    rest = likely(shop, limit=1, cursor=page.next)
    assert rest == [(Likeness.SAME_NAME, ["Борис", "борис "])]
    assert page.next is not None
    with pytest.raises(Invalid):
        likely(shop, cursor=contact_lists.cursor_of("name", "con_1"))
