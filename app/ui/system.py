"""The page of administrators about the deployment: versions, hosts, queues, database and disk."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from flask import url_for
from flask_babel import gettext
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from app.core.texts import N_
from app.services import job_queues, vitals
from app.ui.answers import page, respond
from app.ui.blueprint import bp
from app.ui.polling import CALM
from app.ui.users import administrators_only
from app.version import VERSION

QUEUES = {
    "pairing": N_("Linking phones"),
    "webhooks": N_("Webhooks"),
    "media": N_("Downloads of files"),
    "imports": N_("Imports of contacts"),
    "default": N_("Other work"),
    job_queues.SESSIONS: N_("Sessions"),
}


@bp.get("/ui/system")
@administrators_only
def show_system() -> Response:
    """How the deployment does."""
    return page("system/show.html", **_facts())


@bp.get("/ui/system/facts")
@administrators_only
def system_facts() -> Response:
    """The same without the page around it, for its poll."""
    return respond("system/_facts.html", page=url_for("ui.show_system"), **_facts())


def _facts() -> dict[str, Any]:
    hosts = vitals.hosts()
    try:
        queues = job_queues.all_of([host.id for host in hosts])
        redis_version = job_queues.server_version()
    except RedisError:
        queues, redis_version = None, None
    return {
        "versions": {
            "WhatsApp API Manager": VERSION,
            "neonize": version("neonize"),
            "Python": platform.python_version(),
            vitals.database_name(): vitals.database_version(),
            "Redis": redis_version or gettext("does not answer"),
        },
        "hosts": hosts,
        "queues": queues,
        "queue_words": QUEUES,
        "instances": vitals.instances(),
        "queued": vitals.messages(),
        "due": vitals.deliveries(),
        "endpoints": vitals.endpoints(),
        "database_bytes": vitals.database_bytes(),
        "disk": vitals.disk(),
        "facts_every": CALM,
    }
