"""Kinds, limits and names of files, and the headers they are served with."""

from __future__ import annotations

import pytest

from app.core.media import (
    LIMITS,
    NAME_BYTES,
    MediaKind,
    clean_name,
    default_name,
    disposition,
    is_inline,
    kind_for,
    mime_for,
)


@pytest.mark.parametrize(
    ("mime", "kind"),
    [
        ("image/jpeg", MediaKind.IMAGE),
        ("image/png", MediaKind.IMAGE),
        ("video/mp4", MediaKind.VIDEO),
        ("audio/mpeg", MediaKind.AUDIO),
        ("audio/ogg", MediaKind.AUDIO),
        ("image/webp", MediaKind.DOCUMENT),
        ("image/svg+xml", MediaKind.DOCUMENT),
        ("text/html", MediaKind.DOCUMENT),
        ("application/pdf", MediaKind.DOCUMENT),
    ],
)
def test_file_is_sent_as_what_phones_can_show(mime: str, kind: MediaKind) -> None:
    assert kind_for(mime, 1000) is kind


def test_image_over_the_limit_goes_as_a_document() -> None:
    assert kind_for("image/jpeg", LIMITS[MediaKind.IMAGE]) is MediaKind.IMAGE
    assert kind_for("image/jpeg", LIMITS[MediaKind.IMAGE] + 1) is MediaKind.DOCUMENT


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("report.pdf", "report.pdf"),
        ("Счёт № 5.pdf", "Счёт № 5.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("..", ""),
        (".bashrc", "bashrc"),
        ("", ""),
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie_ x=1.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("zero\u200bwidth\ufeff.txt", "zerowidth.txt"),
        ("family \U0001f468\u200d\U0001f469\u200d\U0001f467.jpg",) * 2,
        ('<script>"x"</script>.png', "script_.png"),
        ("nul\0byte.txt", "nulbyte.txt"),
    ],
)
def test_name_keeps_nothing_that_misleads_or_leads_elsewhere(given: str, clean: str) -> None:
    assert clean_name(given) == clean


@pytest.mark.parametrize("letter", ["x", "Щ", "\U0001f600"])
def test_name_of_ten_thousand_characters_is_cut_and_keeps_its_extension(letter: str) -> None:
    name = clean_name(letter * 10_000 + ".pdf")

    assert name.endswith(".pdf")
    assert NAME_BYTES - 4 < len(name.encode()) <= NAME_BYTES


@pytest.mark.parametrize(
    ("sniffed", "name", "mime"),
    [
        ("application/zip", "letter.docx", "application/vnd.openxmlformats"),
        ("application/pdf", "letter.docx", "application/pdf"),
        ("application/zip", "photo.png", "application/zip"),
        ("text/plain", "page.html", "text/plain"),
        ("text/plain", "image.svg", "text/plain"),
        ("text/plain", "data.csv", "text/csv"),
        ("text/html", "photo.png", "text/html"),
        ("application/octet-stream", "", "application/octet-stream"),
    ],
)
def test_name_makes_a_vague_type_exact_but_never_shown_in_place(
    sniffed: str, name: str, mime: str
) -> None:
    assert mime_for(sniffed, name).startswith(mime)


@pytest.mark.parametrize("mime", ["image/svg+xml", "text/html", "application/pdf", "text/xml"])
def test_what_may_carry_a_script_is_never_shown_in_place(mime: str) -> None:
    assert not is_inline(mime)


def test_disposition_spells_a_name_for_old_and_new_programs() -> None:
    header = disposition('Счёт "5".pdf', inline=False)

    assert header.startswith("attachment; filename=\"____ _5_.pdf\"; filename*=UTF-8''%D0%A1")
    assert header.isascii()


def test_file_without_a_name_gets_one_of_its_kind() -> None:
    assert default_name(MediaKind.VOICE, "audio/mpeg", "7") == "audio-7.mp3"
