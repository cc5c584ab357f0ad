"""WhatsApp's protobuf messages, read out of the installed neonize without importing it.

Importing neonize, or its generated modules through the package, loads the engine's Go library,
which this process must never do. The generated files hold their descriptors as a bytes literal:
it is lifted out with `ast` into a private pool.
"""

from __future__ import annotations

import ast
import importlib.machinery
import sys
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def _proto_folder() -> Path:
    """Return neonize's folder of generated modules; raises ImportError when it is not installed."""
    spec = importlib.machinery.PathFinder.find_spec("neonize", sys.path)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("neonize is not installed: its protobuf descriptors are needed")
    return Path(next(iter(spec.submodule_search_locations))) / "proto"


def _serialized_descriptor(source: str) -> bytes:
    """Return the argument of the module's one AddSerializedFile call."""
    for call in ast.walk(ast.parse(source)):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "AddSerializedFile"
            and isinstance(call.args[0], ast.Constant)
            and isinstance(call.args[0].value, bytes)
        ):
            return call.args[0].value
    raise ImportError("no serialized descriptor in a generated module")


def _module_of(proto: str) -> Path:
    """Return the generated module of `folder/Name.proto`."""
    return _proto_folder() / (proto.removesuffix(".proto").replace("-", "_") + "_pb2.py")


_pool = descriptor_pool.DescriptorPool()
_added: set[str] = set()


def _add(proto: str) -> None:
    if proto in _added:
        return
    _added.add(proto)
    raw = _serialized_descriptor(_module_of(proto).read_text(encoding="utf-8"))
    for imported in descriptor_pb2.FileDescriptorProto.FromString(raw).dependency:
        _add(imported)
    _pool.AddSerializedFile(raw)


def _message_class(proto: str, name: str) -> Any:
    """Return the class of message `name` (with its package) declared in the file `proto`."""
    _add(proto)
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(name))


_ADV = "waAdv/WAAdv.proto"
_ACTION = "waSyncAction/WASyncAction.proto"
_SYNC = "waServerSync/WAServerSync.proto"
_HISTORY = "waHistorySync/WAWebProtobufsHistorySync.proto"
_WA6 = "waWa6/WAWebProtobufsWa6.proto"

AdvDeviceIdentity = _message_class(_ADV, "WAAdv.ADVDeviceIdentity")
AdvSignedDeviceIdentity = _message_class(_ADV, "WAAdv.ADVSignedDeviceIdentity")
AdvSignedDeviceIdentityHmac = _message_class(_ADV, "WAAdv.ADVSignedDeviceIdentityHMAC")
CertChain = _message_class("waCert/WACert.proto", "WACert.CertChain")
NoiseCertificateDetails = _message_class(
    "waCert/WACert.proto", "WACert.CertChain.NoiseCertificate.Details"
)
HandshakeMessage = _message_class(_WA6, "WAWebProtobufsWa6.HandshakeMessage")
ClientPayload = _message_class(_WA6, "WAWebProtobufsWa6.ClientPayload")
DeviceProps = _message_class("waCompanionReg/WACompanionReg.proto", "WACompanionReg.DeviceProps")
SyncdMutation = _message_class(_SYNC, "WAServerSync.SyncdMutation")
SyncdPatch = _message_class(_SYNC, "WAServerSync.SyncdPatch")
SyncActionData = _message_class(_ACTION, "WASyncAction.SyncActionData")
SyncActionValue = _message_class(_ACTION, "WASyncAction.SyncActionValue")
PollVoteMessage = _message_class(
    "waE2E/WAWebProtobufsE2E.proto", "WAWebProtobufsE2E.PollVoteMessage"
)
HistorySync = _message_class(_HISTORY, "WAWebProtobufsHistorySync.HistorySync")
E2EMessage = _message_class("waE2E/WAWebProtobufsE2E.proto", "WAWebProtobufsE2E.Message")
