"""Errors as the API tells them: problem documents (RFC 9457) with a stable code."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from apiflask.exceptions import HTTPError
from flask import g, has_request_context, request
from flask_babel import force_locale
from flask_wtf.csrf import CSRFError
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app.api.bodies import Answer
from app.core.errors import AppError, CursorTooOld, Invalid, RateLimited
from app.core.texts import N_
from app.i18n import words, words_of

CONTENT_TYPE = "application/problem+json"
_AS_JSON = N_("Send the body as JSON, with Content-Type: application/json.")
_MOMENT = N_("Write the time with its time zone, like 2026-12-24T10:00:00Z.")
_BY_STATUS = {
    400: ("bad_request", N_("The request cannot be understood.")),
    403: ("csrf_failed", N_("The CSRF token is missing or wrong. Reload the page.")),
    404: ("not_found", N_("Nothing is found here.")),
    405: ("method_not_allowed", N_("This address does not know that method.")),
    413: ("too_large", N_("The request is too large.")),
    415: ("unsupported_media_type", _AS_JSON),
    500: ("internal_error", N_("Something broke on the server. It was written to the log.")),
}
_BY_KIND = {
    "missing": N_("This field is required."),
    "extra_forbidden": N_("There is no such field."),
    "string_type": N_("Write a text."),
    "string_too_long": N_("At most %(max_length)s characters."),
    "null_character": N_("The text has a character that cannot be stored."),
    "bool_type": N_("Write true or false."),
    "bool_parsing": N_("Write true or false."),
    "int_type": N_("Write a whole number."),
    "int_parsing": N_("Write a whole number."),
    "int_from_float": N_("Write a whole number."),
    "float_type": N_("Write a number."),
    "float_parsing": N_("Write a number."),
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_type": _MOMENT,
    "model_type": N_("Write a JSON object."),
    "model_attributes_type": N_("Write a JSON object."),
    "greater_than_equal": N_("At least %(ge)s."),
    "less_than_equal": N_("At most %(le)s."),
    "dict_type": N_("Write a JSON object."),
    "too_short": N_("At least %(min_length)s."),
    "too_long": N_("At most %(max_length)s."),
    "list_type": N_("Write a list."),
    "enum": N_("Choose one of: %(expected)s."),
    "literal_error": N_("Choose one of: %(expected)s."),
    "one_way_to_sign_in": N_("Send either email and password, or apiKey."),
}


class FieldError(Answer):
    """What is wrong with one field."""

    field: str
    code: str
    message: str


class Problem(Answer):
    """An error: `code` is for programs and never changes, `detail` is for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str = Field(examples=["instance_not_found"])
    field: str | None = Field(default=None, description="The first field that is wrong.")
    errors: list[FieldError] | None = None
    oldest_cursor: str | None = Field(default=None, description="With cursor_too_old: one to use.")
    request_id: str | None = Field(default=None, description="Stands in the server's log too.")


def answer(error: Exception) -> Response:
    """The problem document for `error`, in the caller's language."""
    return _response(in_words(error), error)


def in_words(error: Exception) -> Problem:
    """What `error` says, in the caller's language."""
    language = _language_of_caller()
    if language is None:
        return _problem_of(error)
    with force_locale(language):
        return _problem_of(error)


def _language_of_caller() -> str | None:
    """The language the caller chose for themselves, if the request does not name one."""
    if not has_request_context() or request.accept_languages:
        return None
    caller = g.get("caller")
    return caller.language if caller is not None else None


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, HTTPError) and isinstance(error.__cause__, ValidationError):
        return _of_validation(error.__cause__)
    if isinstance(error, AppError):
        return _of_app_error(error)
    if isinstance(error, CSRFError):
        return _of_status(HTTPStatus.FORBIDDEN)
    if isinstance(error, HTTPException | HTTPError):
        code = error.code if isinstance(error, HTTPException) else error.status_code
        return _of_status(HTTPStatus(code or 500))
    return _of_status(HTTPStatus.INTERNAL_SERVER_ERROR)


def _of_app_error(error: AppError) -> Problem:
    field = error.field if isinstance(error, Invalid) else None
    sentence = words_of(error)
    errors = [FieldError(field=field, code=error.code, message=sentence)] if field else None
    problem = _problem(HTTPStatus(error.status), error.code, sentence, field, errors)
    if isinstance(error, CursorTooOld):
        problem.oldest_cursor = error.oldest
    return problem


def _of_validation(error: ValidationError) -> Problem:
    errors = [_field_error(one) for one in error.errors()]
    sentence = words(N_("Some values cannot be accepted."))
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return _problem(status, "validation_failed", sentence, errors[0].field, errors)


def _field_error(error: ErrorDetails) -> FieldError:
    message = words(_BY_KIND.get(error["type"], Invalid.message), error.get("ctx"))
    field = ".".join(str(part) for part in error["loc"])
    return FieldError(field=field, code=error["type"], message=message)


def _of_status(status: HTTPStatus) -> Problem:
    code, sentence = _BY_STATUS.get(status, _BY_STATUS[500 if status >= 500 else 400])
    return _problem(status, code, words(sentence))


def _problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    field: str | None = None,
    errors: list[FieldError] | None = None,
) -> Problem:
    return Problem(
        title=status.phrase,
        status=status,
        detail=detail,
        code=code,
        field=field,
        errors=errors,
        request_id=g.get("request_id"),
    )


def _response(problem: Problem, error: Exception) -> Response:
    content = problem.model_dump(mode="json", by_alias=True, exclude_none=True)
    response = Response(
        json.dumps(content, ensure_ascii=False), status=problem.status, content_type=CONTENT_TYPE
    )
    for name, value in _headers_of(problem, error).items():
        response.headers[name] = value
    return response


def _headers_of(problem: Problem, error: Exception) -> dict[str, Any]:
    if isinstance(error, RateLimited):
        return {"Retry-After": str(error.retry_after)}
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"Retry-After": str(getattr(error, "retry_after", 1))}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, HTTPException) and problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        return {name: value for name, value in error.get_headers() if name == "Allow"}
    return {}
