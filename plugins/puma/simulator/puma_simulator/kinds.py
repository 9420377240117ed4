"""The kinds of receivables a Polish gmina keeps: their law, their due dates, how much, and of whom."""

from __future__ import annotations

from dataclasses import dataclass

Days = tuple[tuple[int, int], ...]  # month, day

QUARTERS: Days = ((3, 15), (5, 15), (9, 15), (11, 15))
MONTHLY: Days = ((1, 31), *((month, 15) for month in range(2, 13)))


@dataclass(frozen=True)
class Kind:
    code: str
    title: str
    regime: str
    series: str  # how numbers of decisions or contracts begin
    dues: Days
    lowest: int  # a year, in zlotys
    highest: int
    of: str  # person, company, both, nobody (made from another receivable)
    basis: str | None = None


KINDS = {
    kind.code: kind
    for kind in (
        Kind("PODN-OF", "Podatek od nieruchomości – osoby fizyczne", "tax", "FN.3120", QUARTERS, 120, 1900, "person",
             "grunty {a} m², budynek mieszkalny {b} m²"),
        Kind("PODN-OP", "Podatek od nieruchomości – osoby prawne", "tax", "FN.3120", MONTHLY, 2400, 96000, "company",
             "grunty działalności {a} m², budynki działalności {b} m²"),
        Kind("ROLNY", "Podatek rolny", "tax", "FN.3121", QUARTERS, 60, 900, "person", "{b},{a} ha przeliczeniowych"),
        Kind("LESNY", "Podatek leśny", "tax", "FN.3122", QUARTERS, 20, 300, "person", "lasy {b} ha"),
        Kind("LZP", "Łączne zobowiązanie pieniężne", "tax", "FN.3123", QUARTERS, 200, 2600, "person",
             "grunty {a} m², {b} ha przeliczeniowych"),
        Kind("TRANSP", "Podatek od środków transportowych", "tax", "FN.3124", ((2, 15), (9, 15)), 800, 9000, "company",
             "samochód ciężarowy, dopuszczalna masa {b} t"),
        Kind("ODPADY", "Opłata za gospodarowanie odpadami komunalnymi", "tax", "GO.6232",
             ((4, 15), (7, 15), (10, 15), (12, 15)), 240, 1800, "person", "{n} osób, odpady segregowane"),
        Kind("ALKOHOL", "Opłata za zezwolenie na sprzedaż alkoholu", "none", "SO.7340",
             ((1, 31), (5, 31), (9, 30)), 525, 6300, "company", "zezwolenie kategorii A, sprzedaż za rok ubiegły"),
        Kind("DZIERZAWA", "Czynsz dzierżawny", "civil", "GN.6845", ((3, 31), (9, 30)), 150, 7200, "both",
             "działka {a}/{n}, {b} m²"),
        Kind("UZYTK", "Opłata za użytkowanie wieczyste", "civil", "GN.6843", ((3, 31),), 90, 4000, "both",
             "działka {a}, udział w gruncie {b} m²"),
        Kind("PRZEKSZT", "Opłata za przekształcenie użytkowania wieczystego", "civil", "GN.6826", ((3, 31),), 90, 1500,
             "person", "działka {a}, 20 rat rocznych"),
        Kind("SPRZEDAZ", "Sprzedaż nieruchomości na raty", "civil", "GN.6840", ((3, 31),), 3000, 20000, "person",
             "akt notarialny Rep. A {a}"),
        Kind("PAS", "Zajęcie pasa drogowego", "tax", "DR.7230", ((1, 15),), 60, 3000, "both", "{b} m² przez {a} dni"),
        Kind("ADIAC", "Opłata adiacencka", "tax", "GN.6831", ((8, 20),), 800, 9000, "person", "działka {a}"),
        Kind("PLAN", "Opłata planistyczna", "tax", "PP.6725", ((7, 10),), 1000, 15000, "person", "działka {a}"),
        Kind("PIES", "Opłata od posiadania psów", "tax", "FN.3140", ((3, 31),), 40, 120, "person", "{n} psów"),
        Kind("TARG", "Opłata targowa", "tax", "FN.3141", ((6, 30),), 30, 600, "both", "stanowisko {b}"),
        Kind("MANDAT", "Grzywna – mandat karny kredytowany", "none", "SM.5530", ((10, 7),), 50, 500, "person"),
        Kind("UPOMN", "Koszty upomnienia", "none", "UP", (), 0, 0, "nobody"),
        Kind("WEZW", "Koszty wezwania do zapłaty", "none", "WZ", (), 0, 0, "nobody"),
    )
}  # fmt: skip

REMINDER_COST = 1600  # since 13 October 2021
SUMMONS_COST = 1100
