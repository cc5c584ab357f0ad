"""`python -m tests.bench.serving`: the product's web server, with one more address that answers 204
and does nothing: what the server itself costs."""

from __future__ import annotations

from flask import Response

from app import create_app
from app.config import load_settings
from app.logging import configure
from app.supervisor.web import Server

BARE = "/bare"


def _answer() -> Response:
    return Response(status=204)


if __name__ == "__main__":
    settings = load_settings()
    configure(settings)
    app = create_app(settings)
    app.add_url_rule(BARE, view_func=_answer)
    Server(app, settings).run()
