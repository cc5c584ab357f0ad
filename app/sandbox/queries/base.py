"""What the handlers of all namespaces share."""

from __future__ import annotations

from collections.abc import Callable

from app.sandbox.connection import Connection
from app.sandbox.wire.node import Node

Handler = Callable[[Connection, Node], list[Node]]


class QueryError(Exception):
    """An error the client is told: its code and text as WhatsApp names them."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text

    def node(self) -> Node:
        """Return the <error> of the answer."""
        return Node("error", {"code": str(self.code), "text": self.text})


class UnhandledQuery(Exception):
    """Nobody answers this query yet; the text describes it."""


def describe(node: Node) -> str:
    """Return "namespace type child" of a query."""
    children = " ".join(child.tag for child in node.children)
    return f"iq {node.get('xmlns')} {node.get('type')} {children}".strip()


def nothing(connection: Connection, node: Node) -> list[Node]:
    """The empty result: the client only wants to hear that it worked."""
    return []
