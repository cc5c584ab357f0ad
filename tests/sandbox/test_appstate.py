"""Collections of app state: what a patch changes, and when it is refused."""

from __future__ import annotations

import pytest

from app.sandbox.appstate import CONTACTS, CRITICAL_BLOCK, AppState, VersionConflict
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
