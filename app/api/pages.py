"""Lists page by page."""

from __future__ import annotations

from pydantic import Field

from app.api.bodies import Body


class PageQuery(Body):
    """Which page of a list."""

    limit: int = Field(default=50, ge=1, le=200, description="How many at most.")
    cursor: str | None = Field(
        default=None, max_length=100, description="The nextCursor of the page before."
    )
