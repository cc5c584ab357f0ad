"""States and the moves between them."""

import pytest

from app.core.states import MOVES, UNLINKED, InstanceState, MessageStatus, before, may_move


def test_every_state_has_its_moves():
    assert set(MOVES) == set(InstanceState)


def test_every_state_can_be_reached():
    assert set().union(*MOVES.values()) == set(InstanceState)


def test_no_state_is_a_dead_end():
    assert all(MOVES.values())


def test_no_move_leads_to_where_it_began():
    assert not any(state in moves for state, moves in MOVES.items())


@pytest.mark.parametrize("state", UNLINKED - {InstanceState.PAIRING})
def test_an_unlinked_instance_can_be_paired_but_not_connected(state):
    assert may_move(state, InstanceState.PAIRING)
    assert not may_move(state, InstanceState.CONNECTED)


def test_a_receipt_lifts_a_message_from_every_earlier_status():
    assert MessageStatus.SENT in before(MessageStatus.READ)
    assert MessageStatus.UNCONFIRMED in before(MessageStatus.DELIVERED)


def test_a_receipt_never_moves_a_message_back():
    assert MessageStatus.READ not in before(MessageStatus.DELIVERED)
    assert MessageStatus.DELIVERED not in before(MessageStatus.DELIVERED)


@pytest.mark.parametrize(
    "final", [MessageStatus.FAILED, MessageStatus.CANCELLED, MessageStatus.EXPIRED]
)
def test_a_receipt_revives_no_message_that_was_given_up(final):
    assert not before(final)
    assert all(final not in before(status) for status in MessageStatus)
