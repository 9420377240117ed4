"""The corpus by hand."""

import sys

from tests.exchange.corpus import CORPUS
from tests.exchange.corpus.good import Portal


def main(words: list[str]) -> None:
    if words:
        sys.stdout.buffer.write(CORPUS[" ".join(words)].make(Portal()))
        return
    for each in CORPUS.values():
        codes = ", ".join(sorted({code for code, _ in each.places}))
        print(f"{each.group:18} {each.name:48} {codes:24} {each.how}")


main(sys.argv[1:])
