"""Makes the two keys of a gmina and their certificate requests: `python -m skarbnik_epuap HOST NAME FOLDER`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from skarbnik_epuap.keys import make_key


def write(host: str, name: str, folder: Path) -> list[Path]:
    """Private keys for their owner's eyes only. FileExistsError rather than a key that is lost."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    for purpose in ("signing", "encryption"):
        made = make_key(host, name)
        for suffix, text, mode in (("key", made.key, 0o600), ("csr", made.request, 0o644)):
            path = folder / f"{purpose}.{suffix}"
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
                file.write(text)
            written.append(path)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m skarbnik_epuap", description=__doc__)
    parser.add_argument("host", help="host of the gmina, the common name of both certificates")
    parser.add_argument("name", help="the gmina's full name")
    parser.add_argument("folder", type=Path, help="where the keys and requests are written")
    given = parser.parse_args()
    for path in write(given.host, given.name, given.folder):
        print(path)


if __name__ == "__main__":
    main()
