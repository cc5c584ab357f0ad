"""Every page and state there is to look at. A new page adds a line here: then it is measured by
tests/e2e/test_measures.py and photographed by `make screenshots`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, FilePayload, Page, StorageState, expect

from tests.look.stage import LINKED_WITHIN, Stage

Act = Callable[[Page], None]
ANNA, NEWCOMER, NOBODY = "anna", "newcomer", "nobody"
"""The administrator, somebody who has nothing yet, and somebody who is not signed in."""
HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class Place:
    """A page in a state. `act` brings it there once it is loaded."""

    name: str
    path: str
    act: Act | None = None
    who: str = ANNA
    html: str = ""  # shown instead of what the server would answer now

    def open(self, page: Page) -> None:
        """Goes there, and waits until there is something to see."""
        page.unroute_all()
        if self.html:
            page.route(f"**{self.path}", lambda route: route.fulfill(body=self.html, headers=HTML))
        page.goto(self.path)
        page.wait_for_load_state("load")
        if self.act:
            self.act(page)


def people(context: BrowserContext, stage: Stage) -> dict[str, StorageState | None]:
    """What the browser of each person keeps; `context` is the administrator's."""
    return {ANNA: context.storage_state(), NEWCOMER: stage.newcomer, NOBODY: None}


def places(stage: Stage) -> list[Place]:
    """All of them."""
    shelf = stage.shelf
    return [
        Place("sign-in", "/login", who=NOBODY),
        Place("sign-in-key", "/login?by=key", who=NOBODY),
        Place("sign-in-wrong", "/login", _sign_in_wrongly, who=NOBODY),
        Place("setup", "/setup/link", who=NOBODY, html=stage.recorded["setup"]),
        Place("invited", stage.links["invited"], who=NOBODY),
        Place("reset", stage.links["reset"], who=NOBODY),
        Place("error-403", "/ui/users", who=NEWCOMER),
        Place("error-404", "/no-such-page", who=NOBODY),
        Place("error-419", "/login", _sign_in_too_late, who=NOBODY),
        *(
            Place(name, "/ui/broken", html=stage.recorded[name])
            for name in ("error-429", "error-500")
        ),
        Place("statistics", "/ui/statistics?period=month"),
        Place("statistics-none", "/ui/statistics", who=NEWCOMER),
        Place("instances-none", "/ui/instances", who=NEWCOMER),
        Place("instances-nothing-fits", "/ui/instances?q=zzz"),
        Place("instances-row-menu", "/ui/instances", _click(".instance .menu summary")),
        Place("instances-delete", "/ui/instances", _ask_for_deletion),
        Place("connection-lost", "/ui/instances", _lose_connection),
        Place("instances", "/ui/instances"),
        Place("instances-account-menu", "/ui/instances", _click("#account-menu summary")),
        Place("instances-theme-menu", "/ui/instances", _click("#theme-menu summary")),
        Place("instances-keyboard", "/ui/instances", _press("?")),
        Place("instances-table", "/ui/instances?view=table"),
        Place("instance-new", "/ui/instances/new"),
        Place("instance-new-wrong", "/ui/instances/new", _create_wrongly),
        Place("instance-connected", stage.linked),
        Place("instance-log-out", stage.linked, _click("#log-out", shows="#ask[open]")),
        Place("instance-log-out-page", f"{stage.linked}/log-out"),
        Place("instance-settings", f"{stage.linked}/edit"),
        Place("instance-delete", f"{stage.linked}/delete"),
        *(
            Place(f"instance-{word.replace('_', '-')}", path)
            for word, path in shelf.items()
            if word not in {"pairing", "paused"}
        ),
        Place("instance-pairing", shelf["pairing"], _show_qr_code),
        Place("instance-pairing-phone", shelf["pairing"], _show_phone_form),
        Place("instance-phone-code", shelf["pairing"], _show_phone_code),
        Place("chats", f"{stage.linked}/chat"),
        Place("chat", stage.chat),
        Place("chat-reply", stage.chat, _click("[data-reply]", shows="#replying")),
        Place("chat-every-state", stage.busy_chat),
        Place("chat-acts", stage.chat, _click(".bubble-out .acts-open", shows="#acts")),
        Place("chat-kinds", stage.kinds_chat),
        Place("chat-voters", stage.kinds_chat, _click(".poll-who", shows=".voters")),
        Place("chat-group", stage.group_chat),
        Place("chat-message-info", stage.group_chat, _show_message_info),
        Place("chat-group-members", stage.group_chat, _click("#group-open", shows="#group")),
        Place(
            "chat-group-new", f"{shelf['stopped']}/chat", _click("#new-group", shows="#make-group")
        ),
        Place("chat-forward", stage.kinds_chat, _forward),
        Place("chat-former-text", stage.kinds_chat, _click(".edited", shows=".former")),
        Place("chat-not-linked", f"{shelf['qr_expired']}/chat"),
        Place("chats-unread", f"{shelf['stopped']}/chat?show=unread"),
        Place("chat-found", f"{shelf['stopped']}/chat?q=пионы"),
        Place("chat-send-later", stage.busy_chat, _open_send_later),
        Place("chat-more", stage.kinds_chat, _click("#say summary", shows="#say .menu-panel")),
        *(
            Place(f"chat-{what}", stage.kinds_chat, _say(what))
            for what in ("location", "cards", "poll")
        ),
        Place("chat-poll-wrong", stage.kinds_chat, _ask_nothing),
        Place("chat-cards-page", f"{stage.kinds_chat}/cards"),
        Place("chat-not-on-whatsapp", f"{stage.linked}/chat", _write_to_nobody),
        Place("contacts", f"{shelf['stopped']}/contacts"),
        Place("contacts-database", f"{shelf['stopped']}/contacts?source=database"),
        Place("contacts-row-menu", f"{shelf['stopped']}/contacts?source=database", _open_row_menu),
        Place("contacts-edit", f"{shelf['stopped']}/contacts?source=database", _ask_for_change),
        Place("contacts-erase", f"{shelf['stopped']}/contacts?source=database", _ask_to_erase),
        Place("contacts-duplicates", f"{shelf['stopped']}/contacts/duplicates"),
        Place("contacts-merge", f"{shelf['stopped']}/contacts/duplicates", _look_at_merging),
        Place("contacts-task", f"{shelf['disconnected']}/contacts?source=database"),
        Place("contacts-file", f"{shelf['stopped']}/contacts/files"),
        Place("contacts-file-mapping", f"{shelf['stopped']}/contacts/files", _bring_contacts),
        Place("contacts-wrong", f"{shelf['stopped']}/contacts", _add_wrongly),
        Place("contacts-exists", f"{shelf['stopped']}/contacts", _add_again),
        Place("contacts-nothing-fits", f"{shelf['stopped']}/contacts?q=zzz"),
        Place("contacts-import", f"{shelf['disconnected']}/contacts"),
        Place("contacts-none", f"{shelf['banned']}/contacts?source=database"),
        Place("contacts-not-linked", f"{shelf['qr_expired']}/contacts"),
        Place("instance-queue", f"{stage.linked}/queue"),
        Place("instance-queue-full", f"{shelf['stopped']}/queue"),
        Place("instance-queue-paused", f"{shelf['paused']}/queue"),
        Place("instance-journal", f"{stage.linked}/journal"),
        Place("instance-webhooks", f"{stage.linked}/webhooks"),
        Place("webhooks", "/ui/webhooks"),
        Place("webhooks-none", "/ui/webhooks", who=NEWCOMER),
        Place("webhook-new", "/ui/webhooks/new"),
        Place("webhook-edit", "/ui/webhooks", _click("[id^=edit-whe]", shows="#delivery")),
        Place("webhook-delete", "/ui/webhooks", _click("[id^=delete-whe]", shows="#ask[open]")),
        Place("webhooks-log", "/ui/webhooks/log"),
        Place(
            "webhooks-log-replay", "/ui/webhooks/log", _click("#replay-failed", shows="#ask[open]")
        ),
        Place("webhook-log", stage.links["delivery"].rpartition("/")[0]),
        Place("webhook-delivery", stage.links["delivery"]),
        Place("profile", "/ui/profile"),
        Place("keys", "/ui/profile/keys"),
        Place("key-new", "/ui/profile/keys/new"),
        Place("notices", "/ui/notices"),
        Place("notices-none", "/ui/notices", who=NEWCOMER),
        Place("journal", "/ui/journal"),
        Place("system", "/ui/system"),
        Place("users", "/ui/users"),
        Place("users-invite", "/ui/users/invite"),
        Place("users-invitation", stage.links["invitation"]),
        Place("user", stage.links["user"]),
        Place("user-disabled", stage.links["user_disabled"]),
        Place("user-disable", f"{stage.links['user']}/disable"),
        Place("user-delete", f"{stage.links['user']}/delete"),
        Place("user-reset-link", stage.links["user"], _click("#reset-link", shows="#link")),
        Place("components", "/ui/components"),
    ]


def _click(selector: str, *, shows: str = "") -> Act:
    def act(page: Page) -> None:
        page.locator(selector).first.click()
        if shows:
            expect(page.locator(shows)).to_be_visible()

    return act


def _press(key: str) -> Act:
    def act(page: Page) -> None:
        page.keyboard.press(key)

    return act


def _sign_in_too_late(page: Page) -> None:
    page.locator("main [name=csrf_token]").evaluate("field => { field.value = 'old' }")
    page.locator("#email").fill("anna@example.com")
    page.locator("#password").fill("wrong")
    page.locator("main form button").last.click()
    expect(page.locator(".error-page")).to_be_visible()


def _ask_for_deletion(page: Page) -> None:
    page.locator(".instance .menu summary").first.click()
    page.locator(".instance .menu[open] .menu-item.danger").click()
    expect(page.locator("#ask[open]")).to_be_visible()


def _open_row_menu(page: Page) -> None:
    page.locator("[data-row] .menu summary").first.click()
    expect(page.locator("[data-row] .menu[open]")).to_be_visible()


def _ask_for_change(page: Page) -> None:
    _open_row_menu(page)
    page.locator("[data-row] .menu[open] [id^=edit-]").click()
    expect(page.locator("#ask[open] #contact-phone")).to_be_visible()


def _ask_to_erase(page: Page) -> None:
    _open_row_menu(page)
    page.locator("[data-row] .menu[open] [id^=erase-]").click()
    page.locator("#ask[open] #erase-contact button").click()
    expect(page.locator("#ask[open] #erase-number")).to_be_visible()


def _look_at_merging(page: Page) -> None:
    page.locator("[data-group] button").first.click()
    expect(page.locator("#merge")).to_be_visible()


def _bring_contacts(page: Page) -> None:
    rows = "Имя;Телефон;Метки\nМария;8 916 123-45-67;VIP\nОлег;позвони;\n".encode("windows-1251")
    file = FilePayload(name="clients.csv", mimeType="text/csv", buffer=rows)
    page.locator("input[type=file]").set_input_files(file)
    page.locator("#bring-contacts [type=submit]").click()
    expect(page.locator("#mapping")).to_be_visible()


def _add_wrongly(page: Page) -> None:
    page.locator("#phone").fill("12")
    page.locator("#add button.primary").click()
    expect(page.locator("#phone-error")).to_be_visible()


def _add_again(page: Page) -> None:
    page.goto(page.url.partition("?")[0] + "?source=database")
    number = page.locator("[data-row] .number").first.inner_text()
    page.locator("#phone").fill(number)
    page.locator("#name").fill("Аня")
    page.locator("#add button.primary").click()
    expect(page.locator("#existing")).to_be_visible()


def _open_send_later(page: Page) -> None:
    page.locator("#send-later summary").click()
    expect(page.locator("#send_at")).to_be_visible()


def _say(what: str) -> Act:
    def act(page: Page) -> None:
        page.locator("#say summary").click()
        page.locator(f"#new-{what}").click()
        expect(page.locator("#ask[open] form")).to_be_visible()

    return act


def _show_message_info(page: Page) -> None:
    page.locator(".bubble-out .acts-open").last.click()
    page.locator("#ask[open] #message-info").click()
    expect(page.locator("#ask[open] #info-read")).to_be_visible()


def _forward(page: Page) -> None:
    page.locator(".acts-open").last.click()
    page.locator("#ask[open] #acts a[href$='/forward']").click()
    expect(page.locator("#ask[open] #forward-chats")).to_be_visible()


def _ask_nothing(page: Page) -> None:
    _say("poll")(page)
    page.locator("#options-0").fill("Сегодня до шести")
    page.locator("#ask .primary").click()
    expect(page.locator("#ask .wrong").first).to_be_visible()


def _write_to_nobody(page: Page) -> None:
    page.locator("#to").fill("+1 555 999-0000")
    page.keyboard.press("Enter")
    expect(page.locator("#to-error")).to_be_visible(timeout=LINKED_WITHIN)


def _lose_connection(page: Page) -> None:
    page.route("**/*", lambda route: route.abort())
    page.evaluate("dispatchEvent(new Event('offline'))")
    expect(page.locator("#connection-lost")).to_be_visible()


def _show_qr_code(page: Page) -> None:
    """Whatever was tried there before."""
    other = page.locator("#by-qr-code, #ui-reconnect")
    code = page.locator("#state .qr svg")
    expect(other.or_(code).first).to_be_visible(timeout=LINKED_WITHIN)
    if other.is_visible():
        other.click()
    expect(code).to_be_visible(timeout=LINKED_WITHIN)


def _show_phone_form(page: Page) -> None:
    _show_qr_code(page)
    page.locator("#by-phone-code summary").click()
    expect(page.locator("#pairing-phone")).to_be_visible()


def _show_phone_code(page: Page) -> None:
    _show_phone_form(page)
    page.locator("#pairing-phone").fill("+15551000002")
    page.locator("#by-phone-code button").click()
    expect(page.locator("#phone-code")).to_be_visible(timeout=LINKED_WITHIN)


def _sign_in_wrongly(page: Page) -> None:
    page.locator("#email").fill("anna@example.com")
    page.locator("#password").fill("wrong")
    page.locator("main form button").last.click()
    expect(page.locator("#password-error")).to_be_visible()


def _create_wrongly(page: Page) -> None:
    page.locator("#name").fill("   ")
    page.locator("#webhook_url").fill("ftp://example.com")
    page.locator("main form button.primary").click()
    expect(page.locator(".wrong").first).to_be_visible()
