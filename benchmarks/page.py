"""`page`: the receivables page of a signed-in resident through the whole stack, against the barest program.

Ours: granian, the frame, tenant and session, permissions, translations, macros, CSRF token, headers, log. The reference
(`_bare_page.py`): the same server, the same SQL in the same transaction, the same HTML from one template. Both get the
same requests over kept-alive connections from another process; the figure is the median of one answer.

Once for somebody with 15 open instalments, once for somebody with 200. Then the product against itself: residents of
500 gminas in an order that has none, against those requests in one gmina. `--gminas=N` for another number.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from _pages import REQUESTS, WARM, Server, bare_served, check_same, make_resident, served
from _rows import Target, interleave, leave

from skarbnik.testing.database import Lab, make_lab

FEW, MANY = 15, 200
ROUNDS = 15


def compare(lab: Lab, ours: Server, slug: str, instalments: int) -> float:
    """How many times the reference's time our page takes, for somebody with so many open instalments."""
    tenant = lab.tenant(slug)
    _, visitor = ours.fetch(make_resident(tenant, instalments))
    page, _ = ours.fetch(visitor)
    with bare_served(lab, tenant, page) as bare:
        check_same(page, bare.fetch(visitor)[0])
        ours.load([visitor], WARM), bare.load([visitor], WARM)
        product, reference = interleave(
            lambda: ours.load([visitor], REQUESTS), lambda: bare.load([visitor], REQUESTS), rounds=ROUNDS
        )
    return product / reference


def spread(lab: Lab, ours: Server, gminas: int) -> float:
    """How many times the time of one gmina a page takes when each request comes for another of many."""
    slugs = [lab.make_tenant(f"gmina-{number:03d}").slug for number in range(gminas)]
    visitors = [ours.fetch(make_resident(lab.tenant(slug), FEW))[1] for slug in slugs]
    print(f"  {gminas} gminas, one resident with {FEW} instalments in each", flush=True)
    ours.load(visitors, 4 * gminas), ours.load(visitors[:1], WARM)
    many, one = interleave(
        lambda: ours.load(visitors, 2 * REQUESTS), lambda: ours.load(visitors[:1], 2 * REQUESTS), rounds=ROUNDS
    )
    return many / one


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gminas", type=int, default=500)
    options, _ = parser.parse_known_args()
    lab = make_lab("bench")
    with ExitStack() as stack:
        ours = stack.enter_context(served("skarbnik.app:wsgi", lab.environment))
        few = compare(lab, ours, "lipowo", FEW)
        many = compare(lab, ours, "debina", MANY)
        over_all = spread(lab, ours, options.gminas)
    leave(
        Target("page", 1.6).close(few),
        Target(f"page {MANY} instalments", 1.3).close(many),
        Target(f"page {options.gminas} gminas", 1.2).close(over_all),
    )


if __name__ == "__main__":
    main()
