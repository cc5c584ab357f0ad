"""Words of texts, as they are looked for: both databases are given words that are cut and folded
here, so that both find the same."""

from __future__ import annotations

import re

from app.core.naming import fold

WORD_LENGTH = 60
TEXT_LENGTH = 4_000
"""Characters of a text that are searched: what stands behind them is not found."""
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of `text`, each once, folded: case does not count, nor "ё" against "е"."""
    folded = fold(text[:TEXT_LENGTH])
    return list(dict.fromkeys(word[:WORD_LENGTH] for word in _WORD.findall(folded)))


def scope_word(account_id: str) -> str:
    """The word that all texts of an account have, and no text that somebody wrote: with it only
    those are found."""
    return account_id.replace("_", "").casefold()


def excerpt(text: str, words: list[str], *, length: int = 120) -> list[tuple[str, bool]]:
    """A piece of `text` around the first of `words`, in parts, each with whether it is found."""
    flat = " ".join(text.split())
    marks = [
        match.span()
        for match in _WORD.finditer(flat)
        if any(folded.startswith(word) for folded in words_of(match[0]) for word in words)
    ]
    start = max(0, marks[0][0] - length // 3) if marks else 0
    end = min(len(flat), start + length)
    parts, here = [("…" if start else "", False)], start
    for first, last in marks:
        if first >= end:
            break
        parts += [(flat[here:first], False), (flat[first : min(last, end)], True)]
        here = min(last, end)
    parts += [(flat[here:end], False), ("…" if end < len(flat) else "", False)]
    return [part for part in parts if part[0]]
