"""The product on the test network with something to see on every page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import g
from playwright.sync_api import BrowserContext, Page, StorageState, expect
from werkzeug.exceptions import InternalServerError

from app import create_app
from app.clock import utcnow
from app.config import Settings, current_settings
from app.core.details import Card, Place, Poll, as_data, kind_of, text_of
from app.core.errors import RateLimited
from app.core.groups import ADMIN, MEMBER, OWNER, GroupFacts, GroupMember
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.jobs import notices
from app.models import (
    Attempt,
    Chat,
    Endpoint,
    Instance,
    LinkedAccount,
    Message,
    User,
)
from app.models.contact_import import ImportState
from app.models.message import INCOMING, OUTGOING
from app.services import (
    amendments,
    group_changes,
    groups,
    instances,
    invitations,
    password_resets,
    profile_pictures,
    receipts,
    webhooks,
)
from app.services.amendments import Author
from app.services.group_changes import GroupChange
from app.services.people_names import Who
from app.services.webhooks import Wish
from app.storage import storage_of
from app.transaction import transaction
from app.ui import errors
from tests import factories
from tests.core.test_sniffing import picture
from tests.product import Product

EMAIL, PASSWORD = "anna@example.com", "correct horse battery staple"
LONG_NAME = "Очень длинное имя инстанса, которое не помещается в одну строку"
ECHO = "+1 555 100-0010"
LINKED_WITHIN = 60_000  # milliseconds
NEWCOMER = "ivan.konstantinopolsky@example.com"
_S, _M = InstanceState, MessageStatus


@dataclass(frozen=True)
class Stage:
    """Paths of what there is to see."""

    linked: str  # an instance with a phone, by the product itself
    chat: str  # a conversation of `linked` with an answer in it
    shelf: dict[str, str]  # instances that stand still, by their state or reason
    busy_chat: str  # a conversation with a message in every state
    kinds_chat: str  # one with messages of many kinds
    group_chat: str  # one of a group, of which we are an admin
    links: dict[str, str]  # what works once, and the pages of people
    recorded: dict[str, str]  # pages that the product shows no more, or only when it breaks
    newcomer: StorageState  # the browser of somebody without an instance


def build(context: BrowserContext, product: Product, data_dir: Path) -> Stage:
    """Makes the first administrator in `context`, links a phone, and fills the shelves."""
    page = context.new_page()
    recorded = {"setup": page.request.get(product.setup_path).text()}
    _make_administrator(page, product)
    linked = _link_a_phone(page)
    chat = _write(page, linked)
    page.close()
    with database_beside(data_dir):
        anna = db.session.query(User).filter_by(email=EMAIL).one()
        shelf, busy_chat, kinds_chat, group_chat = _fill_shelf(anna)
        links = _make_links(anna)
        links["delivery"] = _set_up_webhooks(anna)
    recorded |= _record_errors(data_dir)
    newcomer = _let_in(context, product, links.pop("newcomer"))
    chats = busy_chat, kinds_chat, group_chat
    return Stage(linked, chat, shelf, *chats, links, recorded, newcomer)


def _make_links(anna: User) -> dict[str, str]:
    """Paths: open invitations, a reset link, the pages of a person."""
    ivan = factories.user(email=NEWCOMER, name="Иван Константинопольский")
    olga = factories.user(email="olga@example.com", name="Ольга", disabled_at=_ago(90))
    oleg = factories.user(email="oleg@example.com", name="Олег")
    with transaction():
        newcomer, open_one = (
            invitations.create(actor=anna, email=e) for e in ("", "k@example.com")
        )
        token, _ = password_resets.create(oleg, actor=anna)
    return {
        "newcomer": f"/invite/{newcomer.token_encrypted}",
        "invited": f"/invite/{open_one.token_encrypted}",
        "reset": f"/reset/{token}",
        "invitation": f"/ui/users/invitations/{open_one.id}",
        "user": f"/ui/users/{ivan.id}",
        "user_disabled": f"/ui/users/{olga.id}",
    }


def _set_up_webhooks(anna: User) -> str:
    """One for all instances, told of what does not happen, and one of an instance, switched off:
    what goes on is of others."""
    everywhere = Wish(
        url="https://crm.example/whatsapp", headers={"X-Shop": "1"}, events=["limit_exceeded"]
    )
    own = Wish(url="https://shop.example/" + "very-long-path/" * 8, enabled=False)
    with transaction():
        instance = instances.all_of(anna)[0]
        told = webhooks.create(anna, None, everywhere, actor=anna)
        webhooks.create(anna, instance, own, actor=anna)
    return _fill_log(told)


def _fill_log(told: Endpoint) -> str:
    """A log with every result; the address of a delivery that was tried and given up."""
    body = json.dumps({"event": "message_received", "data": {"body": "Здравствуйте! 💐"}}).encode()
    factories.delivery(told, event="message_sent", body=body)
    later = {"status": "pending", "finished_at": None, "due_at": _ago(-24 * 60)}
    factories.delivery(told, body=body, attempts=1, **later)
    failed = factories.delivery(told, body=body, status="failed", attempts=2)
    with transaction() as session:
        told = session.get_one(Endpoint, told.id)
        told.last_error, told.last_error_at = "timeout", _ago(7)
        for number, code, error in ((1, 500, None), (2, None, "timeout")):
            values = {"number": number, "status_code": code, "error": error, "duration_ms": 15_000}
            answer = "<html><h1>Internal Server Error</h1></html>" if code else None
            values |= {"started_at": _ago(9 - number), "answer": answer}
            session.add(Attempt(id=f"att_{number}", delivery_id=failed.id, **values))
    return f"/ui/webhooks/{told.id}/log/{failed.id}"


def _record_errors(data_dir: Path) -> dict[str, str]:
    """The pages of errors that nobody can cause in passing."""
    app = create_app(Settings(data_dir=data_dir, database_url="", sandbox=True))
    pages = {}
    for name, error in (
        ("error-429", RateLimited(retry_after=55)),
        ("error-500", InternalServerError()),
    ):
        with app.test_request_context("/ui/instances", headers={"Accept-Language": "ru"}):
            g.request_id = "01KB0000000000000000000000"
            pages[name] = errors.answer(error).get_data(as_text=True)
    app.extensions["redis"].close()
    return pages


def _let_in(context: BrowserContext, product: Product, path: str) -> StorageState:
    """Follows an invitation in a browser of its own, which stays signed in."""
    assert context.browser
    own = context.browser.new_context(base_url=product.address, locale="ru-RU")
    page = own.new_page()
    page.goto(path)
    page.get_by_label("Email").fill("new@example.com")
    page.get_by_label("Пароль", exact=True).fill(PASSWORD)
    page.locator("main form button.primary").click()
    expect(page).to_have_url(re.compile("/ui/instances$"))
    state = own.storage_state()
    own.close()
    return state


def _make_administrator(page: Page, product: Product) -> None:
    page.goto(product.setup_path)
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Ваше имя").fill("Анна Смирнова")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Создать учётную запись").click()
    expect(page).to_have_url(re.compile("/ui/instances$"))


def _link_a_phone(page: Page) -> str:
    page.goto("/ui/instances/new")
    page.get_by_label("Имя", exact=True).fill("Цветы на Садовой")
    page.get_by_role("button", name="Создать инстанс").click()
    expect(page.locator("#state .qr svg")).to_be_visible(timeout=LINKED_WITHIN)
    page.locator("#test_phone-scan").click()
    expect(page.locator("#state")).to_contain_text("Подключено", timeout=LINKED_WITHIN)
    return _path(page)


def _write(page: Page, linked: str) -> str:
    page.goto(f"{linked}/chat")
    page.locator("#to").fill(ECHO)
    page.keyboard.press("Enter")
    page.locator("#text").fill("Здравствуйте! Букет готов, можно забирать.")
    page.keyboard.press("Enter")
    expect(page.locator(".bubble-in")).to_be_visible(timeout=LINKED_WITHIN)
    return _path(page)


def _path(page: Page) -> str:
    return re.sub(r"^https?://[^/]+", "", page.url)


@contextmanager
def database_beside(data_dir: Path) -> Iterator[None]:
    """The product's own database, from beside it."""
    app = create_app(Settings(data_dir=data_dir, database_url="", sandbox=True), web=False)
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def _fill_shelf(anna: User) -> tuple[dict[str, str], str, str, str]:
    made = {
        "stopped": factories.instance(anna, name=LONG_NAME, state=_S.STOPPED),
        "logged_out": _problem(anna, "Склад", _S.LOGGED_OUT, "phone_logged_out"),
        "qr_expired": _problem(anna, "Доставка", _S.FAILED, "qr_expired"),
        "banned": _problem(anna, "Рассылка", _S.FAILED, "temporary_ban"),
        "outdated": _problem(anna, "Офис", _S.FAILED, "client_outdated"),
        "replaced": _problem(anna, "Ларёк", _S.FAILED, "stream_replaced"),
        "second_link": _problem(anna, "Филиал", _S.FAILED, "same_number_elsewhere"),
        "connecting": factories.instance(anna, name="Кафе", state=_S.CONNECTING),
        "disconnected": _disconnected(anna),
        "pairing": factories.instance(anna, name="Новый номер"),
        "paused": _paused(anna),
    }
    shelf = {word: f"/ui/instances/{instance.id}" for word, instance in made.items()}
    notices.look()  # the clock would, some seconds later
    busy_chat = _fill_chat(made["stopped"])
    return shelf, busy_chat, _fill_kinds(made["stopped"]), _fill_group(made["stopped"])


def _problem(anna: User, name: str, state: InstanceState, reason: str) -> Instance:
    until = (utcnow() + timedelta(hours=5)).isoformat()
    detail = {"until": until, "phone": "79991234567", "instance": "Доставка"}
    return factories.instance(anna, name=name, state=state, reason=reason, reason_detail=detail)


def _disconnected(anna: User) -> Instance:
    instance = factories.instance(
        anna,
        name="Мастерская",
        state=_S.DISCONNECTED,
        reason="network_unreachable",
        retry_at=utcnow() + timedelta(minutes=2),
        problem="network_unreachable",
        problem_since=_ago(3),
    )
    account = factories.linked_account(instance, push_name="Мастерская на углу")
    factories.whatsapp_contact(account, book_name="Анна")
    # Nobody takes it up: it seems to get on.
    at_work = {"touched_at": utcnow() + timedelta(days=1)}
    values = {"state": ImportState.COPYING} | at_work
    factories.contact_import(account, total=1290, added=600, **values)
    factories.contact_task(instance, act="tag", tag="опт", total=90_000, seen=41_500, **at_work)
    return instance


def _paused(anna: User) -> Instance:
    """An instance whose queue is paused, with a message in it, and one for tomorrow."""
    instance = factories.instance(
        anna,
        name="Опт",
        state=_S.STOPPED,
        queue_paused_at=_ago(20),
        queue_paused_by="Анна Смирнова",
        queue_pause_reason="Переучёт до обеда",
    )
    chat = factories.chat(factories.linked_account(instance), name="Виктория")
    values = {"direction": OUTGOING, "status": _M.QUEUED, "source": "ui", "wa_id": None}
    factories.message(chat, body="Счёт готов, оплатите, пожалуйста, до пятницы.", **values)
    tomorrow = utcnow() + timedelta(days=1)
    later = {"send_at": tomorrow, "due_at": tomorrow, "shown_at": tomorrow}
    factories.message(chat, body="Доброе утро! Заказ уже едет.", **values, **later)
    return instance


def _fill_chat(instance: Instance) -> str:
    """A conversation with a message in every state."""
    account = factories.linked_account(instance)
    chat = factories.chat(account, name="Мария Константинопольская-Заречная", unread=3)
    factories.chat(account, name="", last_at=utcnow() - timedelta(days=3), unread=120)
    factories.message(chat, body="Добрый день! А пионы ещё есть?", shown_at=_ago(90))
    states = (_M.QUEUED, _M.SENT, _M.READ, _M.FAILED, _M.UNCONFIRMED, _M.EXPIRED)
    for number, status in enumerate(states):
        factories.message(
            chat,
            direction=OUTGOING,
            status=status,
            body=f"Ответ номер {number}: " + "да, есть белые и розовые. " * (number % 3),
            failure="not_on_whatsapp" if status is _M.FAILED else None,
            shown_at=_ago(60 - number),
        )
    factories.message(chat, body="https://example.com/" + "a" * 120, shown_at=_ago(1))
    _fill_contacts(instance, account, chat)
    return f"/ui/instances/{instance.id}/chat/{chat.id}"


def _fill_kinds(instance: Instance) -> str:
    """A conversation with messages of several kinds, and some that were changed."""
    account = db.session.query(LinkedAccount).filter_by(instance_id=instance.id).one()
    chat = factories.chat(account, name="Вера Павловна", phone="15552000777")
    marked = "> Сколько роз?\n*25 роз*, _не 24_, ~3 000~ 2 700 р.\n- код: `РОЗА`\n```итого 2 700```"
    ids = [
        factories.message(chat, body=body, shown_at=_ago(9)).id for body in (marked, "В пять", "?")
    ]
    vera, anna = Author(from_me=False, lid="77", name="Вера Павловна"), Author(from_me=True)
    with transaction() as session:
        first, second, third = (session.get_one(Message, one) for one in ids)
        amendments.react(first, anna, "👍", utcnow(), is_news=False)
        amendments.react(second, vera, "🙏", utcnow(), is_news=False)
        amendments.edit(second, vera, "В шесть", utcnow(), is_news=False)
        amendments.remove(third, vera, utcnow(), is_news=False)
    place = Place(55.753900, 37.620800, "Цветы на Садовой", "Садовая, 1, вход со двора")
    cards = [Card("Иван", ("79161234567",)), Card("Доставка", ("доб. 17",))]
    poll = Poll("Когда удобно забрать?", ("Сегодня до шести", "Завтра с утра"), 1)
    for said, direction in ((place, OUTGOING), (cards, INCOMING), (poll, OUTGOING)):
        values = {"kind": kind_of(said), "body": text_of(said), "details": as_data(said)}
        status = _M.READ if direction == OUTGOING else _M.RECEIVED
        values |= {"secret": bytes(32), "status": status, "shown_at": _ago(2)}
        last = factories.message(chat, direction=direction, **values)
    boris = Author(from_me=False, phone="79161234567")
    with transaction() as session:
        asked = session.get_one(Message, last.id)
        for who, option in ((vera, 1), (boris, 1), (anna, 0)):
            amendments.vote(asked, who, [poll.options[option]], utcnow(), is_news=False)
    return f"/ui/instances/{chat.instance_id}/chat/{chat.id}"


def _fill_group(instance: Instance) -> str:
    """A conversation of a group in which something happened."""
    account = db.session.query(LinkedAccount).filter_by(instance_id=instance.id).one()
    vera, oleg = ("15552000777", "251556368770077"), ("79165550101", "251556368770078")
    members = [GroupMember(*vera, OWNER), GroupMember(account.phone, account.lid, ADMIN)]
    members += [GroupMember(*oleg, MEMBER), GroupMember("79165550102", None, MEMBER)]
    about = "Кто везёт, куда и когда. Адреса пишем полностью."
    facts = GroupFacts("120363041234567890", "Курьеры, центр", about, False, None, tuple(members))
    with transaction() as session:
        chat = groups.learn(session.get_one(LinkedAccount, account.id), facts)
        added = {"group_id": facts.id, "by": vera, "at": _ago(4), "joined": [oleg]}
        group_changes.apply(session.get_one(LinkedAccount, account.id), GroupChange(**added))
        address = f"/ui/instances/{chat.instance_id}/chat/{chat.id}"
    said = (
        (vera, "Вера Павловна", "Кто возьмёт Ленина, 1?"),
        (oleg, "Олег", "@251556368770077, беру"),
    )
    for number, ((phone, lid), name, body) in enumerate(said):
        values = {"sender_phone": phone, "sender_lid": lid, "sender_name": name, "body": body}
        named = [list(vera)] if "@" in body else None
        factories.message(
            chat, shown_at=_ago(3 - number), mentions=named, forwarded=number, **values
        )
    _answer_in_group(chat, vera, oleg)
    return address


def _answer_in_group(chat: Chat, vera: Who, oleg: Who) -> None:
    """What we wrote, one has read, one has got, and one has not; one of them has a picture."""
    values = {"direction": OUTGOING, "status": MessageStatus.SENT, "wa_id": "3EB0GROUP"}
    factories.message(chat, body="Спасибо!", shown_at=_ago(1), sent_at=_ago(1), **values)
    with storage_of(current_settings()).draft() as draft:
        draft.write(picture("JPEG"))
        key = draft.keep()
    with transaction() as session:
        account = session.get_one(LinkedAccount, chat.account_id)
        for who, status in ((oleg, MessageStatus.DELIVERED), (vera, MessageStatus.READ)):
            receipts.heard(account, ["3EB0GROUP"], status, _ago(0), who)
        profile_pictures.want_people(account, [vera], seen_in=session.get_one(Chat, chat.id))
        face = profile_pictures.faces_of(account.id, [vera]).of(*vera)
        assert face is not None
        face.storage_key, face.mime, face.fetched_at = key, "image/jpeg", utcnow()


def _fill_contacts(instance: Instance, account: LinkedAccount, chat: Chat) -> None:
    """Contacts of both sources: short and long names, a business, somebody without a number; and
    an import that is over."""
    factories.contact(instance, name="Мария Константинопольская-Заречная", phone=chat.phone)
    values = {"note": "Любит тюльпаны, звонить после шести", "tags": ["опт", "постоянный клиент"]}
    factories.contact(instance, name="Виктория", **values)
    for name in ("Анна", "Борис Иванович", "Очень длинное имя контакта " + "и ещё длиннее " * 4):
        factories.contact(instance, name=name)
    again = {"phone": "79261112233", "tags": ["VIP"], "note": "Доставка до 18:00"}
    factories.contact(instance, name="Анна", **again)
    factories.whatsapp_contact(account, phone=chat.phone, book_name="Маша")
    factories.whatsapp_contact(account, push_name="Flowers", business_name="Flowers & Co")
    factories.whatsapp_contact(account, phone=None, lid="80001234567890", push_name="🌷 Tulip")
    factories.whatsapp_contact(account)
    over = {"state": ImportState.DONE, "finished_at": utcnow()}
    factories.contact_import(account, total=1290, added=1234, unchanged=56, **over)


def _ago(minutes: int) -> datetime:
    return utcnow() - timedelta(minutes=minutes)
