"""The text of a message as WhatsApp shows it: bold, italic, struck, code, quotes, lists, links.

The marks are those of WhatsApp's help page "How to format your messages". A mark opens where
something other than a letter or a digit stands before it and no space behind it, and closes the
other way round, on the same line. What does not pair up stays as it was typed. One pass over the
text: a hostile one costs no more than another of its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

_BLOCK = re.compile(r"```(.+?)```", re.DOTALL)
_TOKEN = re.compile(r"(`[^`\n]+`|(?<!\w)(?:https?://|www\.)[^\s<>\"`]+|[*_~])", re.IGNORECASE)
_ITEM = re.compile(r"[*-] (?=\S)")
_TAGS = {
    "*": (Markup("<strong>"), Markup("</strong>")),
    "_": (Markup("<em>"), Markup("</em>")),
    "~": (Markup("<s>"), Markup("</s>")),
}
_CODE = Markup('<code class="text-code">{}</code>')
_QUOTE = Markup('<span class="text-quote">{}</span>')
_LINK = Markup('<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>')
_AFTER_LINKS = ".,:;!?'*_~»”’"


def formatted(text: str) -> Markup:
    """`text` as HTML, everything in it escaped. Its line breaks stay line breaks."""
    parts = enumerate(_BLOCK.split(text))
    return Markup().join(_CODE.format(part) if n % 2 else _lines(part) for n, part in parts)


def _lines(text: str) -> Markup:
    out, breaks = [], False
    for line in text.split("\n"):
        is_quote = line.startswith("> ")
        if breaks and not is_quote:
            out.append(Markup("\n"))
        out.append(_QUOTE.format(_marks(line[2:])) if is_quote else _line(line))
        breaks = not is_quote  # a quote is a block, which breaks the line by itself
    return Markup().join(out)


def _line(line: str) -> Markup:
    if found := _ITEM.match(line):
        return Markup("• ") + _marks(line[found.end() :])
    return _marks(line)


def _marks(line: str) -> Markup:
    """One line, with the marks that pair up turned into tags."""
    out: list[Markup] = []
    open_at: dict[str, int] = {}
    tokens = list(_tokens(line))
    for number, token in enumerate(tokens):
        out.append(_piece(token))
        if token not in _TAGS:
            continue
        before = tokens[number - 1][-1] if number else " "
        behind = tokens[number + 1][0] if number + 1 < len(tokens) else " "
        start = open_at.get(token, number)
        if start < number - 1 and not before.isspace() and not behind.isalnum():
            out[start], out[number] = _TAGS[token]
            open_at = {mark: at for mark, at in open_at.items() if at < start}
        elif start == number and not before.isalnum() and not behind.isspace():
            open_at[token] = number
    return Markup().join(out)


def _tokens(line: str) -> Iterator[str]:
    """The line in parts: marks, code, links, and what lies between."""
    for part in _TOKEN.split(line):
        link = _end_of_link(part) if _is_link(part) else len(part)
        if part[:link]:
            yield part[:link]
        yield from part[link:]


def _is_link(part: str) -> bool:
    return part[:4].lower() in {"http", "www."} and _TOKEN.fullmatch(part) is not None


def _end_of_link(link: str) -> int:
    """Where the sentence around it goes on: behind the last character that belongs to it."""
    end = len(link)
    closing = link.count(")") - link.count("(")
    while end and (link[end - 1] in _AFTER_LINKS or (link[end - 1] == ")" and closing > 0)):
        closing -= link[end - 1] == ")"
        end -= 1
    return end


def _piece(token: str) -> Markup:
    if len(token) > 2 and token[0] == "`" and _TOKEN.fullmatch(token):
        return _CODE.format(token[1:-1])
    if _is_link(token) and "." in token:
        return _LINK.format(token if token[:4].lower() == "http" else f"https://{token}", token)
    return escape(token)
