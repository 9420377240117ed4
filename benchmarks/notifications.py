"""`notifications`: signed notifications of PayU verified and kept, against a bare endpoint that inserts one row.

Ours finds the gmina and the merchant account, checks the signature over the raw bytes, finds the transaction, keeps the
message once and rings the worker in the same durable transaction. The reference (`_bare_hook.py`) is the same server
with one INSERT and COMMIT. Both get the same posts over the same number of connections from another process. Then ours
alone at half of what it took: 99 of 100 answers come within 200 ms.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from uuid import UUID

import psycopg
from _pages import HERE, served
from _rows import ROUNDS, Target, interleave, leave

from skarbnik.payments.accounts import open_merchant_account
from skarbnik.payments.models import MerchantAccount
from skarbnik.tenancy.registry import Tenant
from skarbnik.testing import factories
from skarbnik.testing.database import Lab, make_lab
from skarbnik_payu.gateway import PayuGateway
from skarbnik_payu.settings import PayuSettings

POSTS = 2000
CONNECTIONS = 8
POS, KEY = "300746", "b6ca15b0d1020e8094d9b5f8d163db54"
SETTINGS = PayuSettings(pos_id=POS, client_id=POS, client_secret="secret of the benchmark", second_key=KEY)

# As many payments on their way as there are posts, of one order that nobody will read.
ON_THEIR_WAY = """
    INSERT INTO transactions (id, order_id, merchant_account_id, settings_version, state, external_id, amount, is_blik,
        asked_times, created_at)
    SELECT gen_random_uuid(), order_id, merchant_account_id, settings_version, 'pending', 'ORDER' || n, amount, false,
        0, now()
    FROM transactions, generate_series(1, %s) AS n
    RETURNING id, external_id
"""


def open_account(tenant: Tenant) -> MerchantAccount:
    with tenant.session() as session, factories.bound_to(session):
        bank = factories.CreditorAccountFactory()
        return open_merchant_account(session, tenant, PayuGateway, SETTINGS, title="PayU", creditor_account_id=bank.id)


def start_payments(lab: Lab, tenant: Tenant, account: MerchantAccount, number: int) -> list[tuple[UUID, str]]:
    with tenant.session() as session, factories.bound_to(session):
        factories.TransactionFactory(merchant_account=session.get_one(MerchantAccount, account.id))
    with lab.as_admin() as connection:
        connection.execute(f"SET search_path TO {tenant.schema}")
        made = connection.execute(ON_THEIR_WAY, (number,)).fetchall()
        connection.execute("ANALYZE transactions")
    return made


def notification(transaction_id: UUID, order_id: str) -> str:
    """What PayU posts when it has the money, with its headers: one line of the posts."""
    order = {
        "orderId": order_id,
        "extOrderId": transaction_id.hex,
        "orderCreateDate": "2026-11-27T12:00:00.000+01:00",
        "notifyUrl": "https://lipowo.skarbnik.test/hooks/payments/payu/secret",
        "customerIp": "127.0.0.1",
        "merchantPosId": POS,
        "description": "Gmina Lipowo",
        "currencyCode": "PLN",
        "totalAmount": "12345",
        "buyer": {"email": "anna.kowalska@lipowo.example", "language": "pl"},
        "payMethod": {"type": "PBL"},
        "products": [{"name": "Podatek od nieruchomości, rata 1", "unitPrice": "12345", "quantity": "1"}],
        "status": "COMPLETED",
    }
    body = json.dumps(
        {"order": order, "localReceiptDateTime": "2026-11-27T12:01:00.000+01:00", "properties": []}, ensure_ascii=False
    )
    signature = hashlib.md5(body.encode() + KEY.encode(), usedforsecurity=False).hexdigest()
    headers = {
        "Content-Type": "application/json;charset=UTF-8",
        "OpenPayu-Signature": f"sender=checkout;signature={signature};algorithm=MD5;content=DOCUMENT",
    }
    return json.dumps([headers, body])


def post(port: int, path: str, host: str, lines: list[str], *, pace: float | None = None) -> dict[str, float]:
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.write("\n".join(lines))
        file.flush()
        told = {"port": port, "path": path, "host": host, "connections": CONNECTIONS, "file": file.name, "pace": pace}
        command = (sys.executable, str(HERE / "_posts.py"))
        answer = subprocess.run(command, check=True, input=json.dumps(told), stdout=subprocess.PIPE, text=True).stdout
    told_back: dict[str, float] = json.loads(answer)
    return told_back


def main() -> None:
    lab = make_lab("bench")
    tenant = lab.tenant("lipowo")
    account = open_account(tenant)
    made = start_payments(lab, tenant, account, (ROUNDS + 2) * POSTS)
    posts: Iterator[str] = iter([notification(*each) for each in made])
    with psycopg.connect(lab.admin_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.bare_hooks (id uuid PRIMARY KEY, body bytea, received_at timestamptz)")
        connection.execute("GRANT ALL ON public.bare_hooks TO PUBLIC; GRANT USAGE ON SCHEMA public TO PUBLIC")
        url = f"{lab.environment['DATABASE_URL']}?options=-csearch_path%3Dpublic"
        with ExitStack() as stack:
            ours = stack.enter_context(served("skarbnik.app:wsgi", lab.environment))
            bare = stack.enter_context(served("_bare_hook:app", {"DATABASE_URL": url}))
            path, host = f"/hooks/payments/payu/{account.hook_secret}", f"{tenant.slug}.skarbnik.test"

            def product() -> float:
                return 1 / post(ours.port, path, host, list(islice(posts, POSTS)))["rate"]

            def reference() -> float:
                again = [notification(*each) for each in made[:POSTS]]
                return 1 / post(bare.port, "/hook", host, again)["rate"]

            product(), reference()
            one, other = interleave(product, reference)
            print(f"  {1 / one:.0f} notifications a second, {1 / other:.0f} rows by the reference", flush=True)
            half = post(ours.port, path, host, list(islice(posts, POSTS)), pace=0.5 / one)
        (kept,) = connection.execute(f"SELECT count(*) FROM {tenant.schema}.notifications").fetchone() or (0,)
    print(f"  at half of it: median {half['median'] * 1000:.1f} ms, p99 {half['p99'] * 1000:.1f} ms", flush=True)
    assert kept == (ROUNDS + 2) * POSTS, f"{kept} were kept"
    leave(
        Target("notifications", 0.5, least=True).close(other / one),
        Target("notifications p99 at half load", 200, "ms").close(half["p99"] * 1000),
    )


if __name__ == "__main__":
    main()
