"""Mistakes somebody could make one day. The checker must see each of them, or it is no checker."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """Lines of the product that are changed in the processes of one stack, and perhaps a wall that is taken down."""

    name: str
    changes: tuple[tuple[str, str, str], ...]  # module, what stands there, what stands there instead
    sql: str = ""  # in each gmina's schema


MUTANTS = (
    Mutant(
        "the gateway is not asked, its notification is believed",
        (
            (
                "skarbnik.payments.tasks",
                "    report = gateway.fetch(key)\n",
                '    return GatewayReport(transaction.id, external_id or "?", transaction.amount, "PLN",\n'
                "        merchant=transaction.merchant_account.merchant)\n"
                "    report = gateway.fetch(key)\n",
            ),
        ),
    ),
    Mutant(
        "nothing keeps a capture from being recorded twice",
        (
            ("skarbnik.payments.services", "    if capture is not None:\n        return capture\n", ""),
            (
                "skarbnik.payments.tasks",
                "    if transaction.state is TransactionState.COMPLETED:\n        return transaction\n",
                "",
            ),
        ),
        sql="ALTER TABLE captures DROP CONSTRAINT captures_merchant_account_id_external_id_key",
    ),
    Mutant(
        "a lost message is never rung again",
        (("skarbnik.outbox", "LEASE = timedelta(seconds=20)", "LEASE = timedelta(days=1)"),),
    ),
    Mutant(
        "what failed once stays failed, whatever money comes",
        (
            (
                "skarbnik.payments.states",
                "    TransactionState.REJECTED: {TransactionState.COMPLETED},\n",
                "    TransactionState.REJECTED: set(),\n",
            ),
        ),
    ),
    Mutant(
        "the amount that came is not compared with what was ordered",
        (("skarbnik.payments.services", "    if report.amount != transaction.amount:\n", "    if False:\n"),),
    ),
    Mutant(
        "the second of two payments is booked like the first",
        (
            (
                "skarbnik.payments.services",
                "        elif left[line.instalment_id].total < amounts.total or line.amounts.total"
                " < there[line.id] + amounts.total:\n",
                "        elif False:\n",
            ),
        ),
    ),
    Mutant(
        "a notification is answered and not kept",
        (
            (
                "skarbnik.payments.notifications",
                "    rung = session.read(\n",
                "    return True\n    rung = session.read(\n",
            ),
        ),
    ),
    Mutant(
        "a connection keeps the gmina it served",
        (
            (
                "skarbnik.db",
                "\"SELECT set_config('role', %s, true), set_config('search_path', %s, true)\"",
                "\"SELECT set_config('role', %s, false), set_config('search_path', %s, false)\"",
            ),
        ),
    ),
    Mutant(
        "money is committed before its bookings are made",  # and one of five processes dies just there
        (
            (
                "skarbnik.payments.services",
                '    record_act(session, "payment.captured", subject="capture", subject_id=capture.id)\n',
                '    record_act(session, "payment.captured", subject="capture", subject_id=capture.id)\n'
                "    session.commit()\n    __import__('random').random() < 0.2 and __import__('os')._exit(9)\n",
            ),
        ),
    ),
    Mutant(
        "two payments of one debt are booked without waiting for each other",
        (
            (
                "skarbnik.payments.services",
                "            .order_by(Instalment.id)\n            .with_for_update()\n",
                "            .order_by(Instalment.id)\n",
            ),
            (
                "skarbnik.payments.services",
                "    closed = {each.id for each in instalments if each.closed_at is not None}\n",
                "    closed = {each.id for each in instalments if each.closed_at is not None}\n"
                "    __import__('time').sleep(3)\n",
            ),
        ),
    ),
    Mutant(
        "the keys of one account are taken for all",
        (
            (
                "skarbnik.payments.gateways",
                "    key = (tenant.id, account.id, version or account.settings_version)\n",
                "    key = (account.gateway, 0, version or account.settings_version)\n",
            ),
        ),
    ),
)


def patched(changes: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """The environment of processes whose lines are changed."""
    path = [str(Path(__file__).with_name("patch")), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(path), "SKARBNIK_TORTURE_MUTANT": json.dumps(changes)} if changes else {}
