"""What the API refuses."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A problem document: `code` is for programs and does not change, `detail` for people."""

    def __init__(self, status: int, problem: dict[str, Any], retry_after: float | None = None):
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail", ""))
        self.field: str | None = problem.get("field")
        self.errors: list[dict[str, str]] = problem.get("errors") or []
        self.request_id: str | None = problem.get("requestId")
        self.problem = problem
        self.retry_after = retry_after
        super().__init__(f"{status} {self.code}: {self.detail}")
