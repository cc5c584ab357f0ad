"""Everything a person reads stands in the Russian catalogue, in full."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent.parent
KEYWORDS = DEFAULT_KEYWORDS | {"lazy_gettext": None}
SOURCES = [("app/**.py", "python"), ("templates/**.html", "jinja2")]
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


@pytest.fixture(scope="module")
def russian() -> Catalog:
    """The catalogue as it stands."""
    with (ROOT / "translations/ru/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="ru")


@pytest.fixture(scope="module")
def sentences() -> dict[str, str]:
    """Every sentence of the sources, with the file it stands in."""
    options = {"jinja2": {"silent": "false"}}
    found = extract_from_dir(ROOT, SOURCES, options, keywords=KEYWORDS)
    return {
        message if isinstance(message, str) else message[0]: file
        for file, _, message, _, _ in found
        if not file.startswith(("app/sandbox/", "app/api/docs"))
    }


def test_every_sentence_of_the_sources_is_in_the_catalogue(
    russian: Catalog, sentences: dict[str, str]
) -> None:
    missing = {text: file for text, file in sentences.items() if russian.get(text) is None}
    assert missing == {}, "run `make translations`, then write the Russian"
    assert len(sentences) > 150


def test_every_sentence_of_the_catalogue_is_translated_and_sure(russian: Catalog) -> None:
    unfinished = [
        message.id
        for message in russian
        if message.id
        and (
            message.fuzzy
            or not all(message.string if isinstance(message.string, tuple) else [message.string])
        )
    ]
    assert unfinished == []


def test_the_catalogue_has_no_sentence_that_nobody_says(
    russian: Catalog, sentences: dict[str, str]
) -> None:
    said = {message.id[0] if isinstance(message.id, tuple) else message.id for message in russian}
    assert said - set(sentences) - {""} == set()


def test_translations_keep_the_placeholders(russian: Catalog) -> None:
    for message in russian:
        for text in message.string if isinstance(message.string, tuple) else (message.string,):
            source = message.id[0] if isinstance(message.id, tuple) else message.id
            if source:
                assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(source)), source


@pytest.mark.parametrize(
    ("english", "label"),
    [
        ("Instances", "Инстансы"),
        ("Create a new instance", "Создать новый инстанс"),
        ("Create the instance", "Создать инстанс"),
        ("Edit", "Изменить"),
        ("Save the changes", "Сохранить изменения"),
        ("Reconnect", "Переподключить"),
        ("Log out", "Выйти"),
        ("Connected", "Подключено"),
        ("Send", "Отправить"),
        ("Chat", "Чат"),
        ("Details", "Детали"),
        ("Delete", "Удалить"),
        ("Name", "Имя"),
        ("Description", "Описание"),
        ("Webhook settings", "Настройки WebHook"),
        ("Types of notifications", "Типы уведомлений"),
        ("Received messages", "Полученные сообщения"),
        ("Sent messages", "Отправленные сообщения"),
        ("Delivery status", "Статус доставки"),
        ("Read status", "Статус прочтения"),
        ("Email and password", "Email и пароль"),
        ("API key", "API ключ"),
    ],
)
def test_labels_are_those_of_the_specification(russian: Catalog, english: str, label: str) -> None:
    message = russian.get(english)
    assert message is not None
    assert message.string == label
