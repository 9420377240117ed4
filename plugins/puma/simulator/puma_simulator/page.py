"""Two plain pages, in Polish: the gminas with the faults, and one gmina's books with what can be done."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from puma_simulator.faults import Faults
from puma_simulator.office import Office
from puma_simulator.summary import summarise

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.25rem .5rem;text-align:left}"
    "form{display:inline-block;margin:.25rem .5rem .25rem 0}td.k{text-align:right;font-variant-numeric:tabular-nums}"
)
SHOWN = 200
OPERATIONS = {
    "charge": "przypis",
    "decrease": "odpis",
    "payment": "wpłata",
    "refund": "zwrot",
    "rebooking": "przeksięgowanie",
    "remission": "umorzenie",
    "deferral": "odroczenie",
}


def layout(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="pl"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )


def start_page(offices: Iterable[Office], faults: Faults) -> str:
    links = "".join(f'<li><a href="/{escape(office.code)}">{escape(office.code)}</a></li>' for office in offices)
    rows = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in faults.shown().items())
    return layout(
        "Symulator PUMA",
        f"<h2>Gminy</h2><ul>{links}</ul><h2>Usterki na próbę</h2>"
        f"<table><tr><th>Usterka</th><th>Ustawienie</th></tr>{rows}</table>"
        + button("/_sim/faults?reset=1", "Wyłącz wszystkie"),
    )


def gmina_page(office: Office) -> str:
    books = summarise(office)
    code = escape(office.code)
    buttons = (
        button(f"/_sim/{code}/export?kind=incremental", "Eksport przyrostowy")
        + button(f"/_sim/{code}/export?kind=full", "Eksport pełny")
        + button(f"/_sim/{code}/book", "Zaksięguj czekające paczki")
    )
    return layout(
        f"{books['name']} – księgi PUMA",
        f'<p><a href="/">Wszystkie gminy</a>. Następny eksport: {books["next_export"]}.</p>{buttons}'
        f"<h2>Wpłata w kasie</h2>{form(f'/_sim/{code}/pay', {'instalment': 'Rata', 'amount': 'Kwota (1234.56)'})}"
        f"<h2>Nowa należność</h2>{form(f'/_sim/{code}/charge', CHARGE)}"
        f"<h2>Konta</h2>{accounts_table(books)}<h2>Ostatnie operacje</h2>{operations_table(books)}",
    )


CHARGE = {
    "payer": "Kontrahent",
    "kind": "Rodzaj",
    "title": "Tytuł",
    "due": "Termin (RRRR-MM-DD)",
    "amount": "Kwota (1234.56)",
}


def button(address: str, label: str) -> str:
    return f'<form method="post" action="{address}"><button>{label}</button></form>'


def form(address: str, fields: dict[str, str]) -> str:
    inputs = "".join(f'<label>{label} <input name="{name}" required></label> ' for name, label in fields.items())
    return f'<form method="post" action="{address}">{inputs}<button>Zapisz</button></form>'


def accounts_table(books: dict) -> str:
    rows = "".join(
        f'<tr><td>{escape(account)}</td><td class="k">{amount}</td></tr>'
        for account, amount in books["sums"]["accounts"].items()
    )
    return f"<table><tr><th>Konto</th><th>Saldo</th></tr>{rows}</table>"


def operations_table(books: dict) -> str:
    head = "<tr><th>Dowód</th><th>Dzień</th><th>Rodzaj</th><th>Rata</th><th>Należność główna</th><th>Odsetki</th>"
    rows = "".join(
        f"<tr><td>{escape(row['document'])}</td><td>{row['booked_on']}</td><td>{OPERATIONS[row['kind']]}</td>"
        f'<td>{escape(row["instalment"])}</td><td class="k">{row["principal"]}</td><td class="k">{row["interest"]}</td>'
        f'<td class="k">{row["costs"]}</td><td>{row["booking"] or ""}</td></tr>'
        for row in reversed(books["operations"][-SHOWN:])
    )
    return f"<table>{head}<th>Koszty</th><th>Księgowanie portalu</th></tr>{rows}</table>"
