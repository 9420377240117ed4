"""What never came is seen in one place, whichever file named it last."""

import hashlib
import re

import pytest

from skarbnik.exchange.queries import PAGE
from skarbnik.exchange.tasks import take_documents
from skarbnik.plugin_api import Role
from skarbnik.receivables.models import DocumentTrouble

PATH = "/office/exchange/sources/puma/documents"


@pytest.fixture
def named(receive, words, tenant, source):
    """`named(1, first, last)`: the file of that number names documents D-first to D-last, and none of them came."""

    def go(number, first, last):
        documents = [words.document(f"D-{each}", f"{each:064x}") for each in range(first, last + 1)]
        part = words.receivable(f"R-{number}", words.liability("P-1"), words.instalment(f"I-{number}"), *documents)
        kind = "full" if number == 1 else "incremental"
        run = receive(words.Export(receivables=(part,), number=number, kind=kind))
        take_documents(tenant, run.id)
        return run

    return go


def walk(browser, path):
    """The documents of all pages, one after another."""
    while path:
        page = browser.get(path).text
        yield re.findall(r"D-\d+", page)
        following = re.search(r'rel="next" href="([^"]+)"|href="([^"]*before=[^"]+)"', page)
        path = following and (following[1] or following[2]).replace("&amp;", "&")


def test_documents_of_two_files_stand_on_one_list_the_newest_first_in_pages(official, named):
    first, second = named(1, 1, PAGE), named(2, PAGE + 1, PAGE + 5)
    browser = official()

    pages = list(walk(browser, PATH))
    assert [len(page) for page in pages] == [PAGE, 5]
    assert {each for page in pages for each in page} == {f"D-{each}" for each in range(1, PAGE + 6)}
    assert pages[0][0] not in {f"D-{each}" for each in range(1, PAGE + 1)}  # of the second file
    for run, number in ((first, PAGE), (second, 5)):
        page = browser.get(f"/office/exchange/{run.id}").text
        assert len(re.findall(r"D-\d+", page)) == number
        assert PATH in page
    assert PATH in browser.get("/office/exchange").text


def test_it_is_chosen_by_what_is_wrong_and_what_came_is_not_on_it(official, named, source, tenant, receive, words):
    pdf = b"%PDF-1.7"
    run = named(1, 1, 2)
    (source.incoming_documents / f"{1:064x}.pdf").write_bytes(pdf)  # not what it is called
    whole = words.receivable(
        "R-2", words.liability("P-1"), words.instalment("I-2"),
        words.document("D-3", hashlib.sha256(pdf).hexdigest(), len(pdf)),
    )  # fmt: skip
    receive(words.Export(receivables=(whole,), number=2, kind="incremental"))
    (source.incoming_documents / f"{hashlib.sha256(pdf).hexdigest()}.pdf").write_bytes(pdf)
    take_documents(tenant, run.id)
    browser = official(Role.AUDITOR)

    def shown(trouble):
        return set(re.findall(r"D-\d+", browser.get(f"{PATH}?trouble={trouble}").text))

    assert shown("") == {"D-1", "D-2"}
    assert {each: shown(each) for each in DocumentTrouble if shown(each)} == {
        DocumentTrouble.MISSING: {"D-2"},
        DocumentTrouble.CHECKSUM: {"D-1"},
    }
    assert browser.get(f"{PATH}?trouble=lost").status_code == 400


def test_nothing_is_said_where_nothing_is_missing(official, source):
    browser = official()

    assert PATH not in browser.get("/office/exchange").text
    assert browser.get(PATH).status_code == 200
    assert browser.get(PATH.replace("puma", "other")).status_code == 404
    assert official(Role.SURVEYS).get(PATH).status_code == 404
