"""Files that wait in the queue: sent in their turn with their bytes, never twice."""

from __future__ import annotations

from app.config import settings_of
from app.core.media import FileFacts, MediaKind
from app.core.states import MessageStatus
from app.engine.errors import UploadFailed
from app.models import Instance
from app.services import chats, uploads
from app.services.media import NewFile
from app.sessions.host import SessionHost
from app.storage import storage_of
from app.transaction import transaction
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import Look

CONTENT = b"%PDF-1.7 ..."


def queue_file(look: Look, caption: str = "Bill", content: bytes = CONTENT) -> str:
    with look.app.app_context():
        with storage_of(settings_of(look.app)).draft() as draft:
            draft.write(content)
            facts = FileFacts(
                MediaKind.DOCUMENT, "a.pdf", "application/pdf", draft.size, draft.sha256
            )
            file = NewFile(facts, draft.keep())
        with transaction() as session:
            instance = session.get_one(Instance, look.id)
            chat = chats.with_address(instance, "15552000001", country="RU")
            return uploads.queue_file_in(instance, chat, file, caption=caption, source="ui").id


def test_file_goes_out_with_its_caption_between_the_texts_around_it(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    look.queue("Before")
    file_id = queue_file(look)
    last = look.queue("After")

    look.wait_status(last, MessageStatus.SENT)
    assert engine.sent == ["Before", "Bill", "After"]
    ((facts, content),) = engine.files
    assert (facts.kind, facts.file_name, content) == (MediaKind.DOCUMENT, "a.pdf", CONTENT)
    assert look.status(file_id) == MessageStatus.SENT


def test_upload_that_failed_is_tried_again(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.send_errors = [UploadFailed("upload failed with status code 500")]
    message_id = queue_file(look)

    look.wait_status(message_id, MessageStatus.SENT)
    assert len(engine.files) == 1


def test_file_that_is_gone_fails_and_holds_nothing_up(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    with look.app.app_context():
        message_id = queue_file_without_bytes(look)
    text = look.queue("Next")

    look.wait_status(message_id, MessageStatus.FAILED)
    look.wait_status(text, MessageStatus.SENT)
    (failed,) = [one for one in look.messages if one.id == message_id]
    assert failed.failure == "file_missing"


def queue_file_without_bytes(look: Look) -> str:
    """A file whose bytes somebody has deleted from the disk before its turn."""
    with transaction() as session:
        instance = session.get_one(Instance, look.id)
        chat = chats.with_address(instance, "15552000001", country="RU")
        facts = FileFacts(MediaKind.DOCUMENT, "a.pdf", "application/pdf", 5, "0" * 64)
        file = NewFile(facts, "a" * 32)
        return uploads.queue_file_in(instance, chat, file, caption="", source="ui").id
