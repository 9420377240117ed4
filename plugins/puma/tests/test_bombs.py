"""Files made to hurt are refused within a second and without growing. Each is read in a process of its own."""

import json
import subprocess
import sys

import pytest

HEAD = """<export xmlns="urn:skarbnik:exchange:export:1">
<manifest number="1" kind="full" tenant="LIPOWO" as-of="2026-11-23T02:00:00Z" created="2026-11-23T02:00:00Z"
 system="PUMA" format="1"><totals payers="0" kinds="0" receivables="0" liabilities="0" instalments="0" operations="0"
 overpayments="0" principal="0.00" interest="0.00" costs="0.00" operations-amount="0.00"
 overpayments-amount="0.00"/></manifest><kinds>"""

READER = """
import json, resource, sys, time
from skarbnik.plugin_api import BrokenFile
from skarbnik_puma.settings import PumaSettings
from skarbnik_puma.system import PumaFinanceSystem

class Endless:
    '''A head, and one piece repeated as often as anybody reads.'''
    def __init__(self, head, piece, most):
        self.head, self.piece, self.left = head, piece, most
    def read(self, size):
        if self.head:
            chunk, self.head = self.head[:size], self.head[size:]
            return chunk
        chunk = self.piece * (size // len(self.piece) + 1)
        self.left -= len(chunk)
        return chunk if self.left > 0 else b''

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

head, piece = json.load(sys.stdin)
puma = PumaFinanceSystem(PumaSettings('LIPOWO'))
before, began, codes = peak(), time.perf_counter(), None
try:
    for row in puma.read_rows(Endless(head.encode(), piece.encode(), 2_000_000_000)):
        pass
except BrokenFile as broken:
    codes = [problem.code for problem in broken.problems]
print(json.dumps({'codes': codes, 'seconds': time.perf_counter() - began, 'megabytes': peak() - before}))
"""

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "billion laughs": (f'<!DOCTYPE export [<!ENTITY l0 "ha">{LAUGHS}]><export>&l9;</export>', " ", "dtd"),
    "external entity": ('<!DOCTYPE export [<!ENTITY x SYSTEM "file:///etc/passwd">]><export>&x;</export>', " ", "dtd"),
    "external document type": ('<!DOCTYPE export SYSTEM "http://127.0.0.1:1/x.dtd"><export/>', " ", "dtd"),
    "document type behind comments": ("<!-- a --><?b c?>\n<!DOCTYPE export []><export/>", " ", "dtd"),
    "endless document type": ("<!DOCTYPE export [", '<!ENTITY a "b">', "dtd"),
    "entity nobody declared": (HEAD.replace("PUMA", "&x;"), "<x/>", "not_well_formed"),
    "endless attribute": (HEAD + '<kind code="', "a", "too_large"),
    "endless attributes": (HEAD + "<kind ", ' a="1"', None),
    "endless text": (HEAD, "text ", "too_large"),
    "endless nesting": (HEAD, "<a>", "not_well_formed"),
    "endless unknown elements": (HEAD, "<a/>", "too_large"),
    "endless instalments of one receivable": (
        HEAD + "</kinds><payers/><receivables><receivable>",
        '<instalment id="1"/>',
        "too_large",
    ),
    "endless comment": (HEAD + "<!--", "a", None),
    "endless white space": (HEAD, " ", "too_large"),
    "endless zeros": ("", "\x00", "encoding"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_fast_and_without_growing(name):
    head, piece, code = BOMBS[name]
    run = subprocess.run(
        [sys.executable, "-c", READER], input=json.dumps([head, piece]), capture_output=True, text=True, timeout=30
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)

    assert result["codes"], "it was read as if nothing were wrong"
    assert code is None or code in result["codes"]
    assert result["seconds"] < 2
    assert result["megabytes"] < 60


def test_a_long_file_needs_no_more_memory_than_a_short_one():
    row = '<kind code="A" title="Podatek" regime="tax"/>\n'
    run = subprocess.run(
        [sys.executable, "-c", READER.replace("2_000_000_000", "20_000_000")],
        input=json.dumps([HEAD, row]),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)

    assert result["codes"] is not None  # the stream ends without its closing tags
    assert result["megabytes"] < 10
