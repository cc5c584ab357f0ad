"""What administrators do with people."""

from __future__ import annotations

import pytest

from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from app.core.states import DesiredState, InstanceState
from app.extensions import db
from app.models import Activity, Instance, User
from app.models.user import ADMINISTRATOR, USER
from app.services import accounts, instances, people, sign_ins
from app.transaction import transaction
from tests import factories

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def root() -> User:
    return factories.user(email="root@example.com", name="Root", role=ADMINISTRATOR)


@pytest.fixture
def dora() -> User:
    return factories.user(email="dora@example.com", name="Дора Иванова")


def running(owner: User) -> Instance:
    instance = factories.instance(
        owner, state=InstanceState.CONNECTED, desired=DesiredState.RUNNING
    )
    factories.linked_account(instance)
    return instance


def disable(user: User, root: User, *, stop: bool = False) -> None:
    with transaction():
        people.disable(user, actor=root, stop_instances=stop)


def test_the_list_has_everybody_with_the_number_of_instances(root, dora):
    factories.instance(dora)
    factories.instance(dora)
    page, more = people.page_of(after=None, limit=10)
    assert [(one.user.id, one.instances) for one in page] == [(root.id, 0), (dora.id, 2)]
    assert not more


def test_the_list_comes_in_pages(root, dora):
    first, more = people.page_of(after=None, limit=1)
    assert more
    second, more = people.page_of(after=first[-1].user.id, limit=1)
    assert [one.user.id for one in second] == [dora.id]
    assert not more


@pytest.mark.parametrize("search", ["dora@", "EXAMPLE.com ", "Иван", "иванова", "ДОРА"])
def test_people_are_found_by_name_and_address(root, dora, search):
    found, _ = people.page_of(search=search, after=None, limit=10)
    assert dora.id in [one.user.id for one in found]


@pytest.mark.parametrize("search", ["nobody", "%", "_@"])
def test_nobody_is_found_by_what_they_are_not_called(root, dora, search):
    assert people.page_of(search=search, after=None, limit=10) == ([], False)


def test_a_disabled_person_is_out_at_once(root, dora):
    with transaction():
        key = accounts.create_key(dora).key_encrypted
        token, _ = accounts.issue_token(dora)
        browser = sign_ins.begin(dora, remember=True, address="", agent="")
    disable(dora, root)
    assert sign_ins.find(browser) is None
    for enter in (lambda: accounts.by_key(key), lambda: accounts.by_token(token)):
        with pytest.raises(Forbidden):
            enter()


@pytest.mark.parametrize(
    ("stop", "desired"), [(False, DesiredState.RUNNING), (True, DesiredState.STOPPED)]
)
def test_instances_of_a_disabled_person_run_on_unless_they_are_stopped(root, dora, stop, desired):
    instance = running(dora)
    disable(dora, root, stop=stop)
    db.session.refresh(instance)
    assert instance.desired == desired
    assert instance.account is not None
    assert instance.account.unlinked_at is None


def test_an_instance_that_no_host_holds_is_stopped_in_the_row(root, dora):
    instance = running(dora)
    disable(dora, root, stop=True)
    db.session.refresh(instance)
    assert instance.state == InstanceState.STOPPED


def test_an_instance_without_a_phone_stays_as_it_is(root, dora):
    instance = factories.instance(dora)
    disable(dora, root, stop=True)
    db.session.refresh(instance)
    assert instance.state == InstanceState.CREATED


def test_an_enabled_persons_key_works_again_and_old_sessions_do_not(root, dora):
    with transaction():
        key = accounts.create_key(dora).key_encrypted
        token, _ = accounts.issue_token(dora)
        browser = sign_ins.begin(dora, remember=True, address="", agent="")
    disable(dora, root)
    with transaction():
        people.enable(dora, actor=root)
    assert accounts.by_key(key).id == dora.id
    assert sign_ins.find(browser) is None
    with pytest.raises(Unauthorized):
        accounts.by_token(token)


def test_the_last_administrator_can_be_neither_demoted_nor_disabled_nor_deleted(root, dora):
    factories.user(role=ADMINISTRATOR, disabled_at=root.created_at)
    for act in (
        lambda: people.change_role(root, USER, actor=dora),
        lambda: people.disable(root, actor=dora, stop_instances=False),
        lambda: people.delete(root, actor=dora),
    ):
        with pytest.raises(Conflict) as caught, transaction():
            act()
        assert caught.value.code == "last_administrator"
    assert root.is_administrator
    assert root.is_active


def test_one_of_two_administrators_can_be_demoted(root):
    other = factories.user(role=ADMINISTRATOR)
    with transaction():
        people.change_role(root, USER, actor=other)
    assert not root.is_administrator


def test_nobody_disables_or_deletes_themselves(root):
    factories.user(role=ADMINISTRATOR)
    for act in (
        lambda: people.disable(root, actor=root, stop_instances=False),
        lambda: people.delete(root, actor=root),
    ):
        with pytest.raises(Conflict) as caught, transaction():
            act()
        assert caught.value.code == "own_account"


def test_a_role_there_is_not_is_refused(root, dora):
    with pytest.raises(Invalid) as caught, transaction():
        people.change_role(dora, "king", actor=root)
    assert caught.value.field == "role"


def test_the_limit_of_instances_is_kept(root, dora):
    with transaction():
        people.change_limit(dora, 1, actor=root)
    with transaction():
        instances.create(owner=dora, name="First")
    with pytest.raises(Conflict) as caught, transaction():
        instances.create(owner=dora, name="Second")
    assert caught.value.code == "instance_limit_reached"
    assert "1" in str(caught.value)


def test_a_limit_that_is_lifted_lets_more_be_made(root, dora):
    with transaction():
        people.change_limit(dora, 0, actor=root)
    with transaction():
        people.change_limit(dora, None, actor=root)
        instances.create(owner=dora, name="First")


@pytest.mark.parametrize("limit", [-1, 10_001])
def test_a_limit_that_is_none_is_refused(root, dora, limit):
    with pytest.raises(Invalid) as caught, transaction():
        people.change_limit(dora, limit, actor=root)
    assert caught.value.field == "instance_limit"


def test_a_deleted_person_takes_everything_along_and_nothing_of_others(root, dora):
    instance, other = running(dora), running(root)
    factories.message(factories.chat(instance.account))
    lost = people.belongings_of(dora)
    assert (lost.instances, lost.chats, lost.messages) == (1, 1, 1)
    with transaction():
        people.delete(dora, actor=root)
    assert db.session.scalars(db.select(Instance.id)).all() == [other.id]
    with pytest.raises(NotFound):
        people.get(dora.id)


def test_what_administrators_do_is_written_down_with_their_name(root, dora):
    disable(dora, root)
    lines = db.session.scalars(db.select(Activity).where(Activity.kind == "user:account:disabled"))
    told = {(line.owner_id, line.user_id, line.detail["user"]) for line in lines}
    assert told == {(whose.id, root.id, dora.email) for whose in (root, dora)}
