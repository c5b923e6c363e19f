"""The checks that every page goes through: each fault is found, and the page without it passes."""

from __future__ import annotations

import pytest

from tests.pages.harness import complaints_about

GOOD = """<!DOCTYPE html><html lang="en"><head><title>Today · Footbridge</title></head>
<body><h1>Today</h1>{}</body></html>"""


def test_a_sound_page_has_no_complaints() -> None:
    form = '<form method="post" action="/x"><input type="hidden" name="csrf_token" value="t"><button>Go</button></form>'
    assert complaints_about(GOOD.format(form)) == []


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<h1>Again</h1>", "2 h1"),
        ('<p id="a"></p><p id="a"></p>', "stands 2 times"),
        ("<script>go()</script>", "is inline"),
        ("<style>p {}</style>", "is inline"),
        ('<p style="color: red">x</p>', "attribute style"),
        ('<p onclick="go()">x</p>', "attribute onclick"),
        ('<a href="javascript:go()">x</a>', "runs a script"),
        ('<img src="https://elsewhere.example/x.png" alt="x">', "another host"),
        ('<form method="post" action="/x"><button>Go</button></form>', "without a csrf field"),
        ('<form method="get" action="/x"><input type="hidden" name="csrf_token" value="t"></form>', "into the address"),
        ("<form><button>Go</button></form>", "where it goes"),
        ('<input id="a" name="a">', "has no label"),
        ('<textarea aria-label="Note" maxlength="9"></textarea>', "cuts what is pasted"),
        ('<label for="a">A</label>', "points at #a"),
        ('<a href="/x"></a>', "says nothing"),
        ('<a href="#">x</a>', "leads nowhere"),
        ('<a href="#gone">x</a>', "leads to nothing"),
        (
            '<div id="error-summary"><a href="#b">x</a><a href="#a">y</a></div><p id="a"></p><p id="b"></p>',
            "not in the order of the page",
        ),
        ("<h4>x</h4>", "skips a level"),
        ("<h2></h2>", "is empty"),
        ("<p><div>x</div></p>", "stands inside <p>"),
        ("<p>x", "</body> closes <p>"),
        ("<div><span>x</div></span>", "</div> closes <span>"),
        ("<li>x</li>", "directly inside <body>"),
        ('<a href="/x">x<button>y</button></a>', "stands inside <a>"),
        ('<p class="a" class="b">x</p>', "twice"),
    ],
)
def test_every_fault_is_named(body: str, complaint: str) -> None:
    assert any(complaint in found for found in complaints_about(GOOD.format(body))), complaints_about(GOOD.format(body))


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        (GOOD.replace(' lang="en"', ""), "no lang"),
        (GOOD.replace("<title>Today", "<title>Offers"), "does not contain the h1"),
        (GOOD.replace("<!DOCTYPE html>", ""), "DOCTYPE"),
    ],
)
def test_every_fault_of_the_head_is_named(html: str, complaint: str) -> None:
    assert any(complaint in found for found in complaints_about(html.format("")))
