"""Files of contacts where files are kept in a bucket: brought, looked at, imported, and gone."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from flask import Flask

from app.config import Settings
from app.extensions import db
from app.jobs import imports
from app.models import ContactImport, Instance
from app.services import contact_imports
from app.storage import StorageUnreachable, storage_of
from tests.bucket import KEYS, names_in, running_bucket
from tests.ui.browser import Browser, filled_form, only, soup, words

TABLE = "Имя;Телефон\n" + "".join(f"Клиент {n};+7916{n:07}\n" for n in range(1200)) + "Олег;да\n"
CARDS = "BEGIN:VCARD\nFN:Anna\nTEL:+79261112233\nTEL:call me\nEND:VCARD\n"


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with running_bucket() as address:
        yield address


@pytest.fixture
def settings(settings: Settings, service: str) -> Settings:
    """With a bucket in place of the folder."""
    keys = dict(zip(("media_s3_access_key", "media_s3_secret_key"), KEYS, strict=True))
    return settings.model_copy(update={"media_s3_url": f"{service}/contacts", **keys})


def objects(service: str) -> int:
    return len(names_in(service))


def run(app: Flask) -> tuple[str, int, int]:
    """What the worker does, and what came of it."""
    with app.app_context():
        job = db.session.query(ContactImport).order_by(ContactImport.id.desc()).first()
        assert job is not None
        job_id = job.id
        imports.run(job_id)
        db.session.rollback()
        job = db.session.get_one(ContactImport, job_id)
        return job.state, job.imported, job.refused


def brought(bobs: Browser, path: str, content: str, name: str) -> str:
    file = {"file": (io.BytesIO(content.encode("windows-1251")), name)}
    return bobs.post(f"{path}/files", file).location


def start(bobs: Browser, place: str) -> None:
    bobs.post(place, filled_form(bobs.get(place), "#import-file-form"))


def test_a_file_is_looked_at_and_imported_out_of_the_bucket_and_contacts_go_out_again(
    app: Flask, bobs: Browser, shop: Instance, service: str
) -> None:
    path = f"/ui/instances/{shop.id}/contacts"
    place = brought(bobs, path, TABLE, "clients.csv")
    assert objects(service) == 1
    assert "Клиент 0" in words(bobs.get(place), "#mapping")
    start(bobs, place)
    assert run(app) == ("done", 1200, 1)
    assert objects(service) == 0
    page = bobs.get(f"{path}?source=database")
    refused = bobs.get(str(only(page, "#refused-rows")["href"])).text
    assert refused.splitlines()[1].endswith(";Олег;да;;")
    start(bobs, brought(bobs, path, CARDS, "book.vcf"))
    assert run(app) == ("done", 1, 1)
    table = bobs.get(str(only(page, "#export-csv")["href"])).text
    assert len(table.splitlines()) == 1202
    cards = bobs.get(str(only(page, "#export-vcards")["href"])).text
    assert cards.count("BEGIN:VCARD") == 1201
    place = brought(bobs, path, TABLE, "again.csv")
    bobs.post(f"{place}/discard")
    assert objects(service) == 0
    assert not soup(bobs.get(f"{path}/files")).select("#mapping")


def test_a_bucket_that_does_not_answer_holds_the_import_up_and_ends_it_not(
    app: Flask, bobs: Browser, shop: Instance, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/ui/instances/{shop.id}/contacts"
    start(bobs, brought(bobs, path, TABLE, "clients.csv"))
    storage = storage_of(app.config["SETTINGS"])

    def silent(key: str, **part: object) -> Iterator[bytes]:
        raise StorageUnreachable from OSError("no route")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "open", silent)
        assert run(app)[0] == "reading"
    monkeypatch.setattr(contact_imports, "STALLED", contact_imports.STALLED * 0)
    with app.app_context():
        imports.sweep()
    assert run(app) == ("done", 1200, 1)
    assert objects(service) == 0
