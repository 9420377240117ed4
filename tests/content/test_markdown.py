"""What the office types becomes safe markup, whatever it typed."""

import html
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skarbnik.content.markdown import escape_markdown, may_link, to_html
from skarbnik.content.models import LONGEST_BODY

TAGS = {
    "p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "a", "em", "strong", "code", "pre", "blockquote", "hr", "br",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"href", "rel", "title", "start", "class", "scope"}

TRICKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/pixel.png)",
    '![x](x "onerror=alert(1)")',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](&#1;javascript:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](data:image/png;base64,AAAA)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/\\evil.example)",
    "[x](\\\\evil.example)",
    "[x](///evil.example)",
    "[x](/\tevil)",
    "[x](https:evil.example)",
    "[x](https:///evil.example)",
    "[x](https://urzad.example@evil.example)",
    "[x](http://[::1)",
    "[x](relative/page)",
    "[x](?next=//evil)",
    "[x](#a)",
    "[x](ftp://a.example)",
    "[x](mailto:a@b.pl?bcc=c@d.pl&body=x)",
    "[x](mailto:a@b.pl%0Abcc:c@d.pl)",
    "[x](tel:*21*600#)",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "[x][1]\n\n[1]: javascript:alert(1)",
    '[x](/a "t\\" onmouseover=alert(1) x=")',
    "[x](https://a.example/\"onmouseover=alert(1))",
    "[x](https://a.example/'><script>alert(1)</script>)",
    "```\"><script>alert(1)</script>\nx\n```",
    "``` x\" onclick=\"alert(1)\nx\n```",
    "|a|\n|:-:|\n|<b onclick=x>|",
    "<!-- --><!--><script>alert(1)</script>",
    "<a href=javascript:alert(1)>x</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\x00<scr\x00ipt>alert(1)</script>",
    "<svg/onload=alert(1)>",
    "\u2028<script>\u2029",
    "[\u202ejs.exe](https://a.example)",
]  # fmt: skip


class Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS, tag
        self.tags.append(tag)
        names = dict(attrs)
        assert set(names) <= ATTRIBUTES, names
        if tag == "a":
            assert may_link(names["href"]), names["href"]
            assert names["href"].startswith(("https://", "http://", "/", "mailto:", "tel:"))
            assert ("rel" in names) == names["href"].startswith("http")
            self.links.append(names["href"])

    def handle_comment(self, data):
        raise AssertionError("a comment")

    def handle_decl(self, decl):
        raise AssertionError("a declaration")

    def handle_pi(self, data):
        raise AssertionError("an instruction")


def look(body):
    seen = Seen()
    seen.feed(str(to_html(body)))
    seen.close()
    return seen


@pytest.mark.parametrize("trick", TRICKS)
def test_known_tricks_become_plain_text(trick):
    honest = ("https://a.example", "/a", "https://evil.example/pixel.png")  # a picture elsewhere is a link to it

    assert all(link.startswith(honest) for link in look(trick).links)
    assert "<script" not in to_html(trick).lower()
    assert "<img" not in to_html(trick)


@given(st.text(alphabet=st.sampled_from("[]()<>!*_`#|-:&;\"'=/\\ \n\tabjs1"), max_size=120))
@example("[a](javascript:b)")
def test_no_row_of_signs_makes_other_markup(body):
    look(body)


@given(st.lists(st.sampled_from([*TRICKS, "# a", "- a", "> ", "\n\n", "**b**", "|a|b|\n|-|-|\n|1|2|"]), max_size=6))
def test_tricks_together_make_no_other_markup(parts):
    look("\n".join(parts))


@given(st.text(max_size=300))
def test_any_text_can_be_shown(body):
    look(body)


@pytest.mark.parametrize(
    "address",
    ["https://gov.pl", "http://gov.pl/a?b=c#d", "/terms", "/pages/kasa", "/", "mailto:urzad@gmina.pl",
     "tel:+48221111111", "tel:22%20111%2011%2011".replace("%20", " "), "https://xn--d1acufc.xn--p1ai/"],
)  # fmt: skip
def test_links_of_the_web_of_the_portal_of_mail_and_telephone_are_kept(address):
    assert may_link(address)


def test_a_link_to_another_host_gives_it_no_hold_of_the_page():
    assert to_html("[gov](https://gov.pl)") == '<p><a href="https://gov.pl" rel="noopener">gov</a></p>\n'
    assert to_html("[regulamin](/terms)") == '<p><a href="/terms">regulamin</a></p>\n'


def levels(body, shift=1):
    return [int(each) for each in re.findall(r"<h(\d)>", to_html(body, shift))]


@pytest.mark.parametrize(
    ("body", "found"),
    [("# A\n## B\n### C", [2, 3, 4]), ("## A\n### B", [2, 3]), ("A\n=\n\nB\n-", [2, 3]), ("# A\n#### B", [2, 3]),
     ("### A\n# B", [2, 2]), ("###### A", [2]), ("> # A", [2]), ("- # A", [2])],
)  # fmt: skip
def test_a_page_keeps_one_h1_and_leaves_no_level_out(body, found):
    assert levels(body) == found


@given(st.lists(st.integers(1, 6), max_size=12), st.integers(1, 3))
def test_headings_never_jump(wanted, shift):
    found = levels("\n\n".join("#" * each + " a" for each in wanted), shift)

    assert len(found) == len(wanted)
    assert all(each > shift for each in found)
    assert all(after <= before + 1 for before, after in zip([shift, *found], found, strict=False))


def test_a_table_carries_no_style():
    assert "style" not in to_html("|a|b|\n|:-|-:|\n|1|2|")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=60))
def test_a_name_put_into_markdown_stays_what_it_is(name):
    shown = to_html(f"x{escape_markdown(name)}x")

    assert html.unescape(re.sub(r"</?p>", "", shown)).strip() == f"x{name}x"


@pytest.mark.parametrize(
    "sign", ["[", "*a ", "> ", "- ", "`", "[a](", "|a|\n|-|\n", "# a\n", "_*", "<", "&", "![", "](("]
)
def test_the_longest_text_takes_no_time_to_speak_of(sign):
    body = (sign * LONGEST_BODY)[:LONGEST_BODY]
    started = time.process_time()
    to_html(body)

    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "body",
    ["[a]: /" + "x" * 9900 + "\n\n" + "[a]" * 3360, "[a]: /x '" + "y" * 9900 + "'\n\n" + "![a]" * 2500],
    ids=["links", "titles"],
)
def test_a_page_is_not_many_times_as_long_as_its_text(body):
    assert len(body) <= LONGEST_BODY
    assert len(to_html(body)) < 10 * len(body)
