"""Collections of app state: what a patch changes, and when it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.sandbox.appstate import (
    CONTACTS,
    CRITICAL_BLOCK,
    REGULAR_LOW,
    AppState,
    BadPatch,
    VersionConflict,
    new_value,
)
from app.sandbox.protos import SyncdMutation, SyncdPatch


def test_every_change_is_a_patch_with_the_next_version() -> None:
    state = AppState()
    state.set_contact("1@s.whatsapp.net", "Анна Иванова")
    state.set_contact("2@s.whatsapp.net", "Борис")
    patches = [SyncdPatch.FromString(p) for p in state.collection(CONTACTS).patches]
    assert [patch.version.version for patch in patches] == [1, 2]
    assert state.collection(CRITICAL_BLOCK).version == 0


def test_a_record_that_is_set_again_takes_the_place_of_the_old_one() -> None:
    state = AppState()
    state.set_push_name("Алиса")
    state.set_push_name("Алиса К.")
    collection = state.collection(CRITICAL_BLOCK)
    assert len(collection.value_macs) == 1

    # The hash forgets what is no longer there: taking the last record out leaves the empty one.
    removal = SyncdPatch.FromString(collection.patches[-1])
    removal.mutations[0].operation = SyncdMutation.REMOVE
    assert collection.after(removal) == ([0] * 64, {})


def test_a_patch_for_another_version_is_refused() -> None:
    state = AppState()
    state.set_push_name("Алиса")
    collection = state.collection(CRITICAL_BLOCK)
    patch = SyncdPatch.FromString(collection.patches[0])
    with pytest.raises(VersionConflict):
        collection.append(patch, base=0)
    assert collection.version == 1


def test_app_state_is_the_same_after_it_was_stored() -> None:
    state = AppState()
    state.set_push_name("Алиса")
    assert AppState(state.dump()).dump() == state.dump()


def pinning(key: dict[str, str]) -> Any:
    """The first patch of a device that has this key: it pins a chat."""
    value = new_value()
    value.pinAction.pinned = True
    device = AppState(key)
    device.set_record(REGULAR_LOW, (["pin_v1", "1@s.whatsapp.net"], value), 5)
    return SyncdPatch.FromString(device.collection(REGULAR_LOW).patches[0])


def test_a_phone_reads_what_its_companion_sets() -> None:
    phone = AppState()
    ((index, value),) = phone.read(REGULAR_LOW, pinning(phone.dump() | {"collections": {}}))
    assert (index, value.pinAction.pinned) == (["pin_v1", "1@s.whatsapp.net"], True)


def test_a_phone_takes_no_patch_whose_seal_is_broken() -> None:
    phone = AppState()
    key = phone.dump() | {"collections": {}}
    with pytest.raises(BadPatch):  # sealed for another collection
        phone.read(CONTACTS, pinning(key))
    with pytest.raises(BadPatch):
        phone.read(REGULAR_LOW, pinning(AppState().dump()))
    torn = pinning(key)
    torn.mutations[0].record.value.blob = b"\0" * 64
    with pytest.raises(BadPatch):
        phone.read(REGULAR_LOW, torn)
