"""The commands of the simulator: serve, seed, export, generate."""

from __future__ import annotations

import argparse
import threading
from datetime import date
from pathlib import Path
from random import Random

from puma_simulator.faults import Faults
from puma_simulator.ledger import Ledger, ensure_gmina, open_books
from puma_simulator.office import Office, now


def main() -> int:
    arguments = parser().parse_args()
    arguments.run(arguments)
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="puma-simulator", description="A PUMA of our own, to rehearse with.")
    commands = top.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="watch the folders, book, answer, and show the books")
    serve.add_argument("--port", type=int, default=8102)
    serve.add_argument("--ledger", type=Path, required=True)
    serve.add_argument("--gmina", action="append", required=True, type=code_and_folder, metavar="CODE=FOLDER")
    serve.add_argument("--token", action="append", default=[], type=code_and_token, metavar="CODE=TOKEN")
    serve.add_argument("--every", type=float, default=0, metavar="SECONDS", help="export so often if something changed")
    serve.set_defaults(run=run_serve)
    seed = commands.add_parser("seed", help="fill the books of a gmina with invented people")
    seed.add_argument("--ledger", type=Path, required=True)
    seed.add_argument("--gmina", required=True, metavar="CODE")
    seed.add_argument("--name", required=True)
    seed.add_argument("--seed", type=int, default=1)
    seed.add_argument("--payers", type=int, default=200)
    seed.add_argument("--today", type=date.fromisoformat, default=None, metavar="YYYY-MM-DD")
    seed.set_defaults(run=run_seed)
    export = commands.add_parser("export", help="write one export without serving")
    export.add_argument("--ledger", type=Path, required=True)
    export.add_argument("--gmina", required=True, type=code_and_folder, metavar="CODE=FOLDER")
    export.add_argument("--kind", choices=("full", "incremental"), default="full")
    export.set_defaults(run=run_export)
    generate = commands.add_parser("generate", help="write a big valid export")
    generate.add_argument("--receivables", type=int, required=True)
    generate.add_argument("--out", type=Path, required=True)
    generate.add_argument("--tenant", required=True)
    generate.add_argument("--number", type=int, default=1)
    generate.add_argument("--changed", type=int, default=0, metavar="PERCENT", help="so many have another amount")
    generate.set_defaults(run=run_generate)
    return top


def code_and_folder(text: str) -> tuple[str, Path]:
    code, found, folder = text.partition("=")
    if not (code and found and folder):
        raise argparse.ArgumentTypeError("write CODE=FOLDER")
    return code, Path(folder)


def code_and_token(text: str) -> tuple[str, str]:
    code, found, token = text.partition("=")
    if not (code and found and token):
        raise argparse.ArgumentTypeError("write CODE=TOKEN")
    return code, token


def run_serve(arguments: argparse.Namespace) -> None:
    from puma_simulator.serving import Town, serve

    db, lock, faults = open_books(arguments.ledger), threading.RLock(), Faults()
    offices = []
    for code, folder in arguments.gmina:
        ensure_gmina(db, code, code)
        offices.append(Office(Ledger(db, code), folder, faults, lock))
    serve(Town(offices, faults, arguments.every, dict(arguments.token)), arguments.port)


def run_seed(arguments: argparse.Namespace) -> None:
    from puma_simulator.seeding import seed

    today = arguments.today or now().date()
    db = open_books(arguments.ledger)
    with db:
        ensure_gmina(db, arguments.gmina, arguments.name)
        ledger = Ledger(db, arguments.gmina)
        if ledger.one("SELECT 1 FROM payers WHERE gmina = :gmina"):
            raise SystemExit(f"the books of {arguments.gmina} are not empty")
        chance = Random(f"{arguments.seed} {arguments.gmina}")
        seed(ledger, name=arguments.name, chance=chance, payers=arguments.payers, today=today)


def run_export(arguments: argparse.Namespace) -> None:
    code, folder = arguments.gmina
    db = open_books(arguments.ledger)
    ensure_gmina(db, code, code)
    print(Office(Ledger(db, code), folder, Faults(), threading.RLock()).export(arguments.kind)["file"])


def run_generate(arguments: argparse.Namespace) -> None:
    from puma_simulator.generating import generate

    generate(
        arguments.out,
        tenant=arguments.tenant,
        receivables=arguments.receivables,
        number=arguments.number,
        changed=arguments.changed,
        created=now().isoformat(timespec="seconds"),
    )
