"""WhatsApp's marks in the texts of messages, and what must never come through them."""

from __future__ import annotations

import pytest

from app.ui.formatting import formatted


def link(address: str, shown: str = "") -> str:
    shown = shown or address
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer nofollow">{shown}</a>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold*", "<strong>bold</strong>"),
        ("_italic_ and ~struck~", "<em>italic</em> and <s>struck</s>"),
        ("*цена: _300_ руб.*", "<strong>цена: <em>300</em> руб.</strong>"),
        ("(*bold*), *two words*!", "(<strong>bold</strong>), <strong>two words</strong>!"),
        ("`*as it is*`", '<code class="text-code">*as it is*</code>'),
        ("a\n```*x*\n  y```\nb", 'a\n<code class="text-code">*x*\n  y</code>\nb'),
        ("> said\nanswer", '<span class="text-quote">said</span>answer'),
        ("one\n> _two_", 'one<span class="text-quote"><em>two</em></span>'),
        ("- milk\n* bread", "• milk\n• bread"),
        ("1. milk\n2. *bread*", "1. milk\n2. <strong>bread</strong>"),
    ],
)
def test_marks_that_pair_up_are_shown_as_whatsapp_does(text: str, html: str) -> None:
    assert str(formatted(text)) == html


@pytest.mark.parametrize(
    "text",
    [
        "2*3*4",
        "a * b*",
        "*a *",
        "snake_case_name",
        "*one\ntwo*",
        "**",
        "~",
        "```",
        ">no space",
        "*_cr",
        "-5",
    ],
)
def test_marks_that_do_not_pair_up_stay_as_they_were_typed(text: str) -> None:
    assert formatted(text).unescape() == text
    assert "<" not in formatted(text)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("https://a.example/x_y_z?b=*", link("https://a.example/x_y_z?b=") + "*"),
        ("see www.a.example.", "see " + link("https://www.a.example", "www.a.example") + "."),
        ("(https://a.example/b_(c))", "(" + link("https://a.example/b_(c)") + ")"),
        ("*https://a.example*", "<strong>" + link("https://a.example") + "</strong>"),
    ],
)
def test_links_end_before_the_sentence_goes_on(text: str, html: str) -> None:
    assert str(formatted(text)) == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "*<b>*",
        "`<b>`",
        "```<b>```",
        "> <b>",
        "- <b>",
        'https://a.example/"onclick="x',
        "https://a.example/'<b>",
        "javascript:alert(1)",
        "www.<b>",
    ],
)
def test_nothing_of_a_text_becomes_a_tag_or_an_attribute(text: str) -> None:
    html = str(formatted(text))
    assert "<b>" not in html
    assert "<script" not in html
    assert "onclick=" not in html.split('rel="noopener noreferrer nofollow"')[0]
    assert "javascript:" not in html.partition("href=")[2]


def test_marks_that_cross_are_never_crossing_tags() -> None:
    assert str(formatted("*a _b* c_")) == "<strong>a _b</strong> c_"


@pytest.mark.parametrize("part", ["*a ", "_", "`", "```", "www.a) ", "(", "https://)))", "> *_~"])
def test_a_hostile_text_costs_its_length_and_no_more(part: str) -> None:
    text = part * 20_000
    assert len(formatted(text)) < 60 * len(text)
