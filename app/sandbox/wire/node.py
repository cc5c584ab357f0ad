"""A stanza of the protocol: tag, attributes and content, the binary cousin of XML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.sandbox.wire.jid import JID

Value = str | int | JID
Content = list["Node"] | bytes | str | None


class StanzaError(ValueError):
    """A stanza lacks something it must have, or carries it in a wrong form."""


@dataclass(slots=True)
class Node:
    """Attributes that are addresses hold a JID: the engine tells them apart from strings."""

    tag: str
    attrs: dict[str, Value] = field(default_factory=dict)
    content: Content = None

    @property
    def children(self) -> list[Node]:
        """The child nodes; none when the content is something else."""
        return self.content if isinstance(self.content, list) else []

    def named(self, tag: str) -> Iterator[Node]:
        """Every child with this tag."""
        return (child for child in self.children if child.tag == tag)

    def find(self, *path: str) -> Node | None:
        """The first descendant down `path`, or None."""
        node: Node | None = self
        for tag in path:
            node = next(node.named(tag), None) if node else None
        return node

    def child(self, *path: str) -> Node:
        """The first descendant down `path`; raises StanzaError when there is none."""
        node = self.find(*path)
        if node is None:
            raise StanzaError(f"<{self.tag}> has no <{'/'.join(path)}>")
        return node

    @property
    def data(self) -> bytes:
        """The content as bytes; raises StanzaError when it is not data."""
        if isinstance(self.content, str):
            return self.content.encode()
        if not isinstance(self.content, bytes):
            raise StanzaError(f"<{self.tag}> carries no data")
        return self.content

    def get(self, key: str, default: str = "") -> str:
        """The attribute as text, `default` when absent."""
        value = self.attrs.get(key)
        return default if value is None else str(value)

    def jid(self, key: str) -> JID:
        """The attribute as an address; raises StanzaError when it is absent or something else."""
        value = self.attrs.get(key)
        if not isinstance(value, JID):
            raise StanzaError(f"<{self.tag}> has no address in {key!r}: {value!r}")
        return value

    def find_jid(self, key: str) -> JID | None:
        """The attribute as an address, or None."""
        value = self.attrs.get(key)
        return value if isinstance(value, JID) else None

    def __str__(self) -> str:
        attrs = "".join(f' {key}="{value}"' for key, value in self.attrs.items())
        if isinstance(self.content, list):
            return f"<{self.tag}{attrs}>{''.join(map(str, self.content))}</{self.tag}>"
        if self.content is None:
            return f"<{self.tag}{attrs}/>"
        return f"<{self.tag}{attrs}>[{len(self.content)} bytes]</{self.tag}>"
