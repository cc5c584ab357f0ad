"""A browser without scripts: follows no redirects, keeps cookies, brings the CSRF token."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import User
from tests.factories import PASSWORD


@dataclass
class Browser:
    """One browser session on the application."""

    client: FlaskClient
    headers: dict[str, str] = field(default_factory=lambda: {"Accept-Language": "ru"})

    def get(self, path: str, **arguments: Any) -> TestResponse:
        """The page at `path`."""
        return self.client.get(
            path, headers=self.headers | arguments.pop("headers", {}), **arguments
        )

    def post(self, path: str, data: dict[str, Any] | None = None, **arguments: Any) -> TestResponse:
        """Submits a form as a page of this session would, its CSRF token included."""
        values = {"csrf_token": self.csrf_token(), **(data or {})}
        headers = self.headers | arguments.pop("headers", {})
        return self.client.post(path, data=values, headers=headers, **arguments)

    def fragment(self, path: str, **arguments: Any) -> TestResponse:
        """What htmx would get."""
        return self.get(path, headers={"HX-Request": "true"}, **arguments)

    def act(self, path: str, data: dict[str, Any] | None = None, **arguments: Any) -> TestResponse:
        """What htmx would get for a form it submits."""
        return self.post(path, data, headers={"HX-Request": "true"}, **arguments)

    def csrf_token(self) -> str:
        """The token of this session."""
        page = soup(self.get("/no-such-page"))
        return str(page.select_one("[name=csrf_token]")["value"])

    def sign_in(self, user: User) -> Browser:
        """This browser, with `user` signed in."""
        answer = self.post("/login", {"email": user.email, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return self


def soup(answer: TestResponse) -> BeautifulSoup:
    """The answer as a tree to select from, what is in a <template> included."""
    return BeautifulSoup(answer.text.replace("template>", "div>"), "html.parser")


def only(answer: TestResponse, selector: str) -> Tag:
    """The one element of the answer that `selector` names."""
    found = soup(answer).select(selector)
    assert len(found) == 1, f"{len(found)} × {selector}"
    return found[0]


def words(answer: TestResponse, selector: str = "main") -> str:
    """What a person reads in an element, blanks collapsed."""
    return " ".join(only(answer, selector).get_text(" ").split())


def filled_form(answer: TestResponse, selector: str) -> dict[str, str]:
    """What the form would send if nobody touched it."""
    form = only(answer, selector)
    values: dict[str, Any] = {}
    for control in form.select("input[name], textarea[name], select[name]"):
        kind = control.get("type", "text")
        if kind == "checkbox":
            if control.has_attr("checked"):
                values.setdefault(str(control["name"]), []).append(control.get("value", "y"))
        elif control.name == "textarea":
            values[str(control["name"])] = control.get_text().lstrip("\r\n")
        elif control.name == "select":
            chosen = control.select("option[selected]") or control.select("option")
            values[str(control["name"])] = chosen[0].get("value", "")
        else:
            values[str(control["name"])] = control.get("value", "")
    return values
