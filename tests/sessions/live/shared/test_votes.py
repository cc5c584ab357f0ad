"""The real engine on the sandbox network: polls, and votes in them, both ways."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.details import Poll
from app.extensions import db
from app.models import Message
from app.services import amending, messaging, polls
from app.transaction import transaction
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

OPTIONS = ("Сегодня", "Завтра", "Никогда")


def standing(product: Product, poll_id: str) -> dict[str, list[tuple[bool, str]]]:
    """Who has chosen what here: whether it is us, and the name."""
    with product.app.app_context():
        results = polls.results_of(db.session.get_one(Message, poll_id))
        return {
            one.text: [(vote.from_me, vote.name) for vote in one.voters]
            for one in results.options
            if one.voters
        }


def vote(product: Product, poll_id: str, options: Sequence[str]) -> None:
    with product.app.app_context(), transaction() as session:
        amending.vote(session.get_one(Message, poll_id), options, source="api")


def on_the_phone(product: Product) -> list[tuple[str, list[str]]]:
    """Our votes as the contact's phone reads them."""
    votes = [one for one in product.received() if one["type"] == "vote"]
    return [(one["target"], one.get("chosen", one.get("unreadable"))) for one in votes]


def test_votes_of_a_contact_in_our_poll_are_counted_changed_and_taken_back(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    values = {"to": PEER_NUMBER, "source": "api", "country": "RU"}
    poll_id = product.act(
        messaging.queue_details, instance_id, said=Poll("Когда?", OPTIONS, 0), **values
    )
    wait_for(lambda: product.message(poll_id).wa_id, PATIENCE, "the poll is sent")
    wait_for(lambda: product.received(), PATIENCE, "the poll is on the phone")
    wa_id = str(product.message(poll_id).wa_id)
    peer = (False, "Peer")
    for chosen in (["Завтра"], ["Завтра", "Никогда"], []):
        client.vote(PEER_NUMBER, OWN_NUMBER, wa_id, chosen)
        expected = {option: [peer] for option in chosen}
        wait_for(lambda: standing(product, poll_id) == expected, PATIENCE, f"{chosen} stands")  # noqa: B023

    vote(product, poll_id, ["Сегодня"])
    wait_for(lambda: on_the_phone(product) == [(wa_id, ["Сегодня"])], PATIENCE, "ours is read")
    wait_for(lambda: standing(product, poll_id) == {"Сегодня": [(True, "")]}, PATIENCE)
    assert len(product.messages(instance_id)) == 2, "the poll, our vote, and no bubble of theirs"


def test_our_votes_in_the_poll_of_a_contact_are_read_on_the_phone(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    wa_id = client.send_poll(PEER_NUMBER, OWN_NUMBER, "Когда?", list(OPTIONS), 1)
    (poll,) = wait_for(lambda: product.messages(instance_id), PATIENCE, "the poll is here")
    client.vote(PEER_NUMBER, OWN_NUMBER, wa_id, ["Никогда"])
    theirs = {"Никогда": [(False, "Peer")]}
    wait_for(lambda: standing(product, poll.id) == theirs, PATIENCE, "their vote is here")

    for chosen in (["Завтра"], ["Сегодня"], []):
        vote(product, poll.id, chosen)
        wait_for(
            lambda: on_the_phone(product)[-1:] == [(wa_id, chosen)],  # noqa: B023
            PATIENCE,
            f"the phone reads {chosen}",
        )
        expected = theirs | {option: [(True, "")] for option in chosen}
        wait_for(lambda: standing(product, poll.id) == expected, PATIENCE)  # noqa: B023


def test_polls_and_votes_of_our_own_phone_are_ours(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    wa_id = client.send_poll(OWN_NUMBER, PEER_NUMBER, "Когда?", list(OPTIONS), 0)
    (poll,) = wait_for(lambda: product.messages(instance_id), PATIENCE, "the poll is here")
    client.vote(PEER_NUMBER, OWN_NUMBER, wa_id, ["Завтра"])
    client.vote(OWN_NUMBER, PEER_NUMBER, wa_id, ["Сегодня", "Завтра"])
    expected = {"Сегодня": {True}, "Завтра": {True, False}}

    def whose() -> dict[str, set[bool]]:
        votes = standing(product, poll.id)
        return {option: {from_me for from_me, _ in who} for option, who in votes.items()}

    wait_for(lambda: whose() == expected, PATIENCE, "both votes stand")


def test_in_a_group_everybody_votes(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    group = client.create_group(PEER_NUMBER, "Друзья", [OWN_NUMBER])
    wa_id = client.send_poll(PEER_NUMBER, group, "Когда?", list(OPTIONS), 1)
    (poll,) = wait_for(lambda: product.messages(instance_id), PATIENCE, "the poll is here")
    client.vote(PEER_NUMBER, group, wa_id, ["Никогда"])
    vote(product, poll.id, ["Завтра"])
    wait_for(lambda: on_the_phone(product)[-1:] == [(wa_id, ["Завтра"])], PATIENCE, "it is read")
    expected = {"Никогда": [(False, "Peer")], "Завтра": [(True, "")]}
    wait_for(lambda: standing(product, poll.id) == expected, PATIENCE, "both votes stand")
