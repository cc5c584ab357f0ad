"""A session that makes the engine abort, next to healthy ones."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.core.states import InstanceState
from app.engine.process import engine_environment
from app.sessions import life_signs
from app.sessions.crashes import GIVEN_UP_AT
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, ROOT, Product
from tests.waiting import wait_for


class Hosts:
    """Hosts that abort on one account, each started when the last has died: the supervisor's
    part."""

    def __init__(self, product: Product, instance_id: str) -> None:
        account = product.instance(instance_id).account
        assert account is not None
        self.product = product
        self.exits: list[int] = []
        self.environment = {
            **os.environ,
            **product.environment(),
            **engine_environment(product.settings.sandbox_state),
            "ABORTS_ON": account.device_jid,
        }

    def start(self) -> None:
        """Starts one, as the product's session host."""
        with (self.product.settings.data_dir / "sessions.log").open("ab") as log:
            self.product.processes["sessions"] = subprocess.Popen(
                [sys.executable, "-m", "tests.sessions.live.aborting_host"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def revive(self) -> None:
        """Starts another one if the last has died."""
        code = self.product.processes["sessions"].poll()
        if code is not None:
            self.exits.append(code)
            life_signs.note_end(self.product.settings, self.product.processes["sessions"].pid, code)
            self.start()


@pytest.mark.timeout(300)
def test_session_that_crashes_its_host_is_given_up_and_the_others_live_on(
    linked: tuple[Product, str],
) -> None:
    product, healthy = linked
    second, broken = product.new_instance(), product.new_instance()
    for number, instance_id in enumerate((second, broken), start=1):
        product.link(instance_id, str(int(OWN_NUMBER) + number))
    product.stop("sessions")
    hosts = Hosts(product, broken)
    hosts.start()

    def given_up() -> bool:
        hosts.revive()
        return product.instance(broken).state == InstanceState.FAILED

    wait_for(given_up, 3 * PATIENCE, "the broken one is given up")
    assert product.instance(broken).reason == "crashes_host"
    hosts.revive()
    for instance_id in (healthy, second):
        product.wait_state(instance_id, InstanceState.CONNECTED)
    message_id = product.queue(healthy, "Still here")
    wait_for(lambda: product.message(message_id).wa_id, PATIENCE, "it is sent")
    assert product.processes["sessions"].poll() is None
    # A crash while another one was just open, on a slow machine, counts for neither in the end.
    assert GIVEN_UP_AT <= len(hosts.exits) <= GIVEN_UP_AT + 2
    assert 0 not in hosts.exits
