"""A bare engine in a process of its own, driven by JSON lines: commands in, events out.

Run with SANDBOX=1 and SSL_CERT_FILE in the environment (the engine's library reads it at exec).
The engine prints to file descriptors 1 and 2, so both go to a log and the events to a copy of 1.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from typing import Any

_events = os.fdopen(os.dup(1), "w", buffering=1)
_lock = threading.Lock()
_messages: dict[str, Any] = {}  # events of what was received, by id


def tell(event: str, **facts: Any) -> None:
    """Write one event for whoever drives this process."""
    with _lock:
        _events.write(json.dumps({"event": event, **facts}) + "\n")


def main(key_store: str, log: str, jid: str) -> None:
    """Connect, and obey until the input ends."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    import logging

    import pylibmagic  # noqa: F401  # carries the libmagic that neonize wants
    from neonize.client import NewClient
    from neonize.utils import log as neonize_log

    from app.engine import mending
    from app.sandbox.trust import trust

    if "UNMENDED" not in os.environ:
        mending.mend()
    neonize_log.setLevel(logging.DEBUG)
    trust(bytes.fromhex(os.environ["SANDBOX_NOISE_ROOT"]))
    client = NewClient(key_store, jid=_jid(jid) if jid else None, uuid="engine")
    _listen(client)
    threading.Thread(target=_connect, args=(client,), daemon=True).start()
    for line in sys.stdin:
        command = json.loads(line)
        threading.Thread(target=_obey, args=(client, command), daemon=True).start()
    # An unpaired client cannot be stopped from inside: the process just goes.
    os._exit(0)


def _connect(client: Any) -> None:
    from neonize.client import ProxySettings

    try:
        client.connect(ProxySettings(proxy_address=os.environ["SANDBOX_PROXY_URL"]))
    except Exception as error:
        tell("connect_failed", error=str(error))
    else:
        tell("connect_returned")


def _jid(text: str) -> Any:
    from neonize.proto.Neonize_pb2 import JID

    user, _, server = text.partition("@")
    user, _, device = user.partition(":")
    return JID(
        User=user, Device=int(device or 0), Server=server, RawAgent=0, Integrator=0, IsEmpty=False
    )


def _name(jid: Any) -> str:
    device = f":{jid.Device}" if jid.Device else ""
    return f"{jid.User}{device}@{jid.Server}"


def _listen(client: Any) -> None:
    from google.protobuf.json_format import MessageToDict
    from neonize import events
    from neonize.utils import extract_text

    client.event.qr(lambda _, data: tell("qr", text=data.decode()))
    simple = (
        "GroupInfoEv JoinedGroupEv "
        "ClientOutdatedEv ConnectedEv DisconnectedEv LoggedOutEv OfflineSyncCompletedEv "
        "OfflineSyncPreviewEv PairStatusEv StreamErrorEv StreamReplacedEv TemporaryBanEv "
        "ConnectFailureEv"
    )
    for name in simple.split():
        _listen_simple(client, getattr(events, name), name.removesuffix("Ev"))

    @client.event(events.MessageEv)
    def _message(_: Any, event: Any) -> None:
        source = event.Info.MessageSource
        _messages[event.Info.ID] = event
        tell(
            "Message",
            id=event.Info.ID,
            content=MessageToDict(event.Message),
            text=extract_text(event.Message),
            category=event.Info.Category,
            chat=_name(source.Chat),
            sender=_name(source.Sender),
            sender_alt=_name(source.SenderAlt),
            from_me=source.IsFromMe,
            push_name=event.Info.Pushname,
        )

    @client.event(events.ReceiptEv)
    def _receipt(_: Any, event: Any) -> None:
        tell(
            "Receipt",
            ids=list(event.MessageIDs),
            type=event.Type,
            chat=_name(event.MessageSource.Chat),
            sender=_name(event.MessageSource.Sender),
        )

    @client.event(events.UndecryptableMessageEv)
    def _undecryptable(_: Any, event: Any) -> None:
        tell("Undecryptable", id=event.Info.ID, unavailable=event.IsUnavailable)


def _listen_simple(client: Any, kind: Any, name: str) -> None:
    @client.event(kind)
    def _handle(_: Any, event: Any) -> None:
        tell(name, text=str(event))


def _obey(client: Any, command: dict[str, Any]) -> None:
    try:
        result = _do(client, command)
    except Exception as error:
        tell("answer", n=command["n"], error=f"{type(error).__name__}: {error}")
    else:
        tell("answer", n=command["n"], result=result)


def _do(client: Any, command: dict[str, Any]) -> Any:
    from neonize.exc import SendPresenceError
    from neonize.utils.enum import Presence, ReceiptType, VoteType

    if command["do"] == "send":
        response = client.send_message(_jid(command["to"]), command["text"])
        return {"id": response.ID, "timestamp": response.Timestamp}
    if command["do"] in ("send_image", "send_document"):
        return {"id": _send_file(client, command).ID}
    if command["do"] in ("reply", "react", "edit", "delete", "vote"):
        return {"id": _speak_of(client, command).ID}
    if command["do"] == "poll":
        poll = client.build_poll_vote_creation(
            command["question"], command["options"], VoteType.SINGLE
        )
        return {"id": client.send_message(_jid(command["to"]), poll).ID}
    if command["do"] == "read_vote":
        return _read_vote(client, _messages[command["id"]])
    if command["do"].startswith("group_"):
        return _do_in_groups(client, command)
    if command["do"] == "download":
        client.download_any(_messages[command["id"]].Message, command["into"])
        return None
    if command["do"] == "mark_read":
        chat, sender = _jid(command["chat"]), _jid(command["sender"])
        return client.mark_read(*command["ids"], chat=chat, sender=sender, receipt=ReceiptType.READ)
    if command["do"] == "try_presence":
        with contextlib.suppress(SendPresenceError):
            client.send_presence(Presence.AVAILABLE)
        return None
    if command["do"] == "is_on_whatsapp":
        found = client.is_on_whatsapp(*command["numbers"])
        return [{"query": f.Query, "jid": _name(f.JID), "in": f.IsIn} for f in found]
    if command["do"] == "state":
        return {"connected": client.is_connected, "logged_in": client.is_logged_in}
    if command["do"] == "contacts":
        return [[_name(c.JID), c.Info.FullName] for c in client.contact.get_all_contacts()]
    if command["do"] == "mute":
        return client.send_app_state(_mute(command["chat"], command["muted"]))
    if command["do"] == "kept":
        found = client.chat_settings.get_chat_settings(_jid(command["chat"]))
        return {"muted": found.MutedUntil > 0, "pinned": found.Pinned, "archived": found.Archived}
    return getattr(client, command["do"])()


def _do_in_groups(client: Any, command: dict[str, Any]) -> Any:
    from neonize.utils.enum import ParticipantChange

    what = command["do"].removeprefix("group_")
    if what == "list":
        return [_group(group) for group in client.get_joined_groups()]
    if what == "create":
        people = [_jid(one) for one in command["people"]]
        return _group(client.create_group(command["name"], people))
    group = _jid(command["group"])
    if what == "info":
        return _group(client.get_group_info(group))
    if what == "rename":
        return client.set_group_name(group, command["name"])
    if what == "link":
        return client.get_group_invite_link(group)
    if what == "leave":
        return client.leave_group(group)
    people = [_jid(one) for one in command["people"]]
    changed = client.update_group_participants(group, people, ParticipantChange[what.upper()])
    return [_name(one.JID) for one in changed]


def _group(group: Any) -> dict[str, Any]:
    return {
        "jid": _name(group.JID),
        "name": group.GroupName.Name,
        "people": {one.PhoneNumber.User: one.IsAdmin for one in group.Participants},
    }


def _read_vote(client: Any, event: Any) -> list[str]:
    """Return the hashes of the chosen options. decrypt_poll_vote of neonize 0.5.2 raises
    TypeError: it takes the library's answer for bytes.
    """
    from neonize.proto.Neonize_pb2 import ReturnFunctionWithError

    raw, library = event.SerializeToString(), client._NewClient__client
    answer = library.DecryptPollVote(client.uuid, raw, len(raw)).contents.get_bytes()
    told = ReturnFunctionWithError.FromString(answer)
    if told.Error:
        raise RuntimeError(told.Error)
    return [option.hex() for option in told.PollVoteMessage.selectedOptions]


def _speak_of(client: Any, command: dict[str, Any]) -> Any:
    """Reply to a message that was received, react to it, vote, or change one that was sent."""
    from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message

    chat, message_id = _jid(command["to"]), command["id"]
    if command["do"] == "reply":
        return client.reply_message(command["text"], _messages[message_id], to=chat)
    if command["do"] == "vote":
        ballot = client.build_poll_vote(_messages[message_id].Info, command["options"])
        return client.send_message(chat, ballot)
    if command["do"] == "react":
        reaction = client.build_reaction(chat, chat, message_id, command["emoji"])
        return client.send_message(chat, reaction)
    if command["do"] == "edit":
        return client.edit_message(chat, message_id, Message(conversation=command["text"]))
    return client.revoke_message(chat, client.get_me().JID, message_id)


def _send_file(client: Any, command: dict[str, Any]) -> Any:
    details = {k: v for k, v in command.items() if k not in ("n", "do", "to", "file")}
    return getattr(client, command["do"])(_jid(command["to"]), command["file"], **details)


def _mute(chat: str, muted: bool) -> Any:
    """The patch a companion makes when a chat is muted on it."""
    from neonize.proto.Neonize_pb2 import MutationInfo, PatchInfo

    change = MutationInfo(Index=["mute", chat], Version=2)
    change.Value.muteAction.muted = muted
    change.Value.muteAction.muteEndTimestamp = -1 if muted else 0
    now = time.time_ns()
    return PatchInfo(Timestamp=now, Type=PatchInfo.REGULAR_HIGH, Mutations=[change])


if __name__ == "__main__":
    main(*sys.argv[1:4])
