"""Request bodies: JSON, checked against a schema before a view sees them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Annotated, Any, TypeVar, get_args

from apiflask.exceptions import HTTPError
from flask import g, has_app_context, request
from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError
from werkzeug.exceptions import BadRequest

from app.api.blueprint import bp
from app.core.errors import AppError, Invalid
from app.core.texts import N_

Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A point in time as app.core.events.iso writes it."""

Form = TypeVar("Form", bound="Body")
View = TypeVar("View", bound=Callable[..., Any])


_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class MalformedJson(AppError):
    """The body is not JSON."""

    status = 400
    code = "malformed_json"
    message = N_("The body is not valid JSON.")


class Body(BaseModel):
    """A JSON object from outside. Unknown fields are refused: a typo must not go unseen."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=False, extra="forbid", str_strip_whitespace=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_null_character(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:  # PostgreSQL cannot store it
            raise PydanticCustomError("null_character", "no null character")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_type(cls, value: Any, info: ValidationInfo) -> Any:
        """What pydantic would make a value of the type, and the document does not allow. Texts stay
        allowed where there is nothing else, in a query and in a form."""
        kinds = _kinds_of(cls.model_fields[info.field_name or ""].annotation)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_json_text = isinstance(value, str) and has_app_context() and "reads_json" in g
        if datetime in kinds and (is_number or (isinstance(value, str) and not _DATE.match(value))):
            raise PydanticCustomError("datetime_parsing", "no moment")
        if bool in kinds and (is_number or is_json_text):
            raise PydanticCustomError("bool_parsing", "no boolean")
        if kinds & {int, float} and (
            isinstance(value, bool) or (is_json_text and str not in kinds)
        ):
            raise PydanticCustomError("int_parsing", "no number")
        return value


class Answer(BaseModel):
    """A JSON object we answer with: fields in camel case, as all names of the API."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


def _kinds_of(annotation: Any) -> set[Any]:
    """The types that an annotation is a union of."""
    return set(get_args(annotation)) or {annotation}


def takes(schema: type[Body], **options: Any) -> Callable[[View], View]:
    """Gives the view a checked `body`; answers 415, 400 or 422 to what is none."""

    def decorate(view: View) -> View:
        checked = bp.input(schema, arg_name="body", **options)(view)

        @wraps(checked)
        def read_first(*args: Any, **kwargs: Any) -> Any:
            _read_json()
            g.reads_json = True
            return checked(*args, **kwargs)

        return read_first  # type: ignore[return-value]

    return decorate


def takes_form_too(form_view: Callable[..., Any]) -> Callable[[View], View]:
    """Has a request that is a form with files answered by `form_view`, any other by the view."""

    def decorate(view: View) -> View:
        @wraps(view)
        def choose(*args: Any, **kwargs: Any) -> Any:
            is_form = request.mimetype == "multipart/form-data"
            return (form_view if is_form else view)(*args, **kwargs)

        return choose  # type: ignore[return-value]

    return decorate


def checked_form(schema: type[Form]) -> Form:
    """The fields of a form, checked as those of a JSON body are. Answers 422 to what is wrong."""
    try:
        return schema.model_validate(request.form.to_dict())
    except ValidationError as error:
        raise HTTPError(422) from error


def _read_json() -> None:
    """Parses the body, which stays with the request. Flask itself answers 413 and 415."""
    try:
        content = request.get_json()
        json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (BadRequest, RecursionError, UnicodeEncodeError):
        raise MalformedJson() from None
    if not isinstance(content, dict):
        raise Invalid(N_("Send a JSON object."), code="not_an_object")
