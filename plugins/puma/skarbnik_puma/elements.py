"""The elements of an export, version 1: their attributes in the order of the rows of the contract."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from skarbnik.plugin_api import (
    DocumentRow,
    InstalmentRow,
    KindRow,
    LiabilityRole,
    LiabilityRow,
    OperationKind,
    OperationRow,
    OverpaymentRow,
    PayerKind,
    PayerRow,
    ReceivableRow,
    Regime,
    is_nip,
    is_nrb,
    is_pesel,
    is_regon,
)
from skarbnik_puma.shapes import Attribute, Element, Unfit
from skarbnik_puma.values import (
    AMOUNT,
    BOOL,
    CODE,
    DAY,
    DAYS,
    EMAIL,
    ID,
    NIP,
    NRB,
    NUMBER,
    PAYMENT_CODE,
    PESEL,
    PHONE,
    POSITIVE,
    POSTAL,
    REGON,
    SHA256,
    SIGNED,
    SIZE,
    UUID_TEXT,
    choice,
    grosze,
    size,
    text,
)

# a named tuple made from a ready tuple costs half of one made from arguments
new_receivable = partial(tuple.__new__, ReceivableRow)
new_liability = partial(tuple.__new__, LiabilityRow)
new_instalment = partial(tuple.__new__, InstalmentRow)
new_operation = partial(tuple.__new__, OperationRow)

ROLES = {str(role): role for role in LiabilityRole}
OPERATIONS = {str(kind): kind for kind in OperationKind}


def build_kind(line, _owner, code, title, regime, account):
    if account is not None and not is_nrb(account):
        raise ValueError("account")
    return KindRow(line, code, title, Regime(regime), account)


def build_payer(line, _owner, external_id, kind, name, pesel, nip, regon, *rest):
    if pesel is not None and not is_pesel(pesel):
        raise ValueError("pesel")
    if nip is not None and not is_nip(nip):
        raise ValueError("nip")
    if regon is not None and not is_regon(regon):
        raise ValueError("regon")
    if rest[-1] == external_id:
        raise Unfit("merged_into", "kontrahent nie może być połączony sam ze sobą")
    return PayerRow(line, external_id, PayerKind(kind), name, pesel, nip, regon, *rest)


def build_receivable(line, _owner, external_id, kind, parent, title, number, start, end, basis, account, closed, code):
    if account is not None and int(account[2:] + "2521" + account[:2]) % 97 != 1:
        raise ValueError("account")
    if parent == external_id:
        raise Unfit("parent", "należność nie może być nadrzędna sama dla siebie")
    if start is not None:
        start = DAYS[start]
    if end is not None:
        end = DAYS[end]
        if start is not None and start > end:
            raise Unfit("period", "okres kończy się, zanim się zacznie")
    return new_receivable(
        (line, external_id, kind, parent, title, number, start, end, basis, account, closed == "true", code)
    )


def build_liability(line, owner, payer, role, part, whole, start, end):
    part, whole = int(part), int(whole)
    if part > whole:
        raise Unfit("share", "udział jest większy od całości")
    if start is not None:
        start = DAYS[start]
    if end is not None:
        end = DAYS[end]
        if start is not None and start > end:
            raise Unfit("period", "odpowiedzialność kończy się, zanim się zacznie")
    return new_liability((line, owner, payer, ROLES[role], part, whole, start, end))


def build_instalment(line, owner, external_id, number, due, charged, principal, interest, costs, closed):
    return new_instalment(
        (
            line,
            external_id,
            owner,
            int(number),
            DAYS[due],
            int(charged.replace(".", "")),
            int(principal.replace(".", "")),
            0 if interest == "0.00" else int(interest.replace(".", "")),
            0 if costs == "0.00" else int(costs.replace(".", "")),
            closed == "true",
        )
    )


def build_operation(
    line, owner, external_id, instalment, kind, booked, happened, document, principal, interest, costs, other, booking
):
    if other == external_id:
        raise Unfit("counterpart", "operacja nie może być przeciwstawna sama dla siebie")
    return new_operation(
        (
            line,
            external_id,
            owner,
            instalment,
            OPERATIONS[kind],
            DAYS[booked],
            DAYS[happened],
            document,
            grosze(principal),
            grosze(interest),
            grosze(costs),
            other,
            UUID(booking) if booking is not None else None,
        )
    )


def build_overpayment(line, _owner, external_id, payer, receivable, amount, arose, closed):
    return OverpaymentRow(line, external_id, payer, receivable, grosze(amount), DAYS[arose], closed == "true")


def build_document(line, owner, external_id, title, issued, sha256, size_text):
    return DocumentRow(line, external_id, owner, title, DAYS[issued], sha256, size(size_text))


KIND = Element(
    "kind",
    "Rodzaj należności",
    {
        "code": Attribute(CODE, "kod rodzaju"),
        "title": Attribute(text(120), "nazwa"),
        "regime": Attribute(choice(Regime), "rodzaj odsetek"),
        "account": Attribute(NRB, "rachunek", required=False),
    },
    build_kind,
)
PAYER = Element(
    "payer",
    "Kontrahent",
    {
        "id": Attribute(ID, "identyfikator"),
        "kind": Attribute(choice(PayerKind), "osoba czy firma"),
        "name": Attribute(text(200), "nazwa"),
        "pesel": Attribute(PESEL, "PESEL", required=False),
        "nip": Attribute(NIP, "NIP", required=False),
        "regon": Attribute(REGON, "REGON", required=False),
        "street": Attribute(text(120), "ulica i numer", required=False),
        "postal-code": Attribute(POSTAL, "kod pocztowy", required=False),
        "city": Attribute(text(80), "miejscowość", required=False),
        "email": Attribute(EMAIL, "e-mail", required=False),
        "phone": Attribute(PHONE, "telefon", required=False),
        "merged-into": Attribute(ID, "połączony z", required=False),
    },
    build_payer,
)
RECEIVABLE = Element(
    "receivable",
    "Należność",
    {
        "id": Attribute(ID, "identyfikator"),
        "kind": Attribute(CODE, "kod rodzaju"),
        "parent": Attribute(ID, "należność nadrzędna", required=False),
        "title": Attribute(text(200), "tytuł"),
        "number": Attribute(text(80), "numer decyzji lub umowy", required=False),
        "from": Attribute(DAY, "początek okresu", required=False),
        "until": Attribute(DAY, "koniec okresu", required=False),
        "basis": Attribute(text(500), "podstawa naliczenia", required=False),
        "account": Attribute(NRB, "rachunek", required=False),
        "closed": Attribute(BOOL, "zamknięta", required=False),
        "payment-code": Attribute(PAYMENT_CODE, "kod płatności", required=False),
    },
    build_receivable,
)
LIABILITY = Element(
    "liability",
    "Odpowiedzialność",
    {
        "payer": Attribute(ID, "kontrahent"),
        "role": Attribute(choice(LiabilityRole), "rola"),
        "part": Attribute(NUMBER, "licznik udziału"),
        "whole": Attribute(NUMBER, "mianownik udziału"),
        "from": Attribute(DAY, "od dnia", required=False),
        "until": Attribute(DAY, "do dnia", required=False),
    },
    build_liability,
)
INSTALMENT = Element(
    "instalment",
    "Rata",
    {
        "id": Attribute(ID, "identyfikator"),
        "number": Attribute(NUMBER, "numer raty"),
        "due": Attribute(DAY, "termin płatności"),
        "charged": Attribute(AMOUNT, "kwota przypisana"),
        "principal": Attribute(AMOUNT, "należność główna do zapłaty"),
        "interest": Attribute(AMOUNT, "odsetki do zapłaty"),
        "costs": Attribute(AMOUNT, "koszty do zapłaty"),
        "closed": Attribute(BOOL, "zamknięta", required=False),
    },
    build_instalment,
)
OPERATION = Element(
    "operation",
    "Operacja",
    {
        "id": Attribute(ID, "identyfikator"),
        "instalment": Attribute(ID, "rata", required=False),
        "kind": Attribute(choice(OperationKind), "rodzaj operacji"),
        "booked": Attribute(DAY, "dzień zaksięgowania"),
        "happened": Attribute(DAY, "dzień zdarzenia"),
        "document": Attribute(text(64), "numer dowodu"),
        "principal": Attribute(SIGNED, "należność główna"),
        "interest": Attribute(SIGNED, "odsetki"),
        "costs": Attribute(SIGNED, "koszty"),
        "counterpart": Attribute(ID, "operacja przeciwstawna", required=False),
        "booking": Attribute(UUID_TEXT, "identyfikator księgowania portalu", required=False),
    },
    build_operation,
)
DOCUMENT = Element(
    "document",
    "Dokument",
    {
        "id": Attribute(ID, "identyfikator"),
        "title": Attribute(text(160), "tytuł"),
        "issued": Attribute(DAY, "dzień wydania"),
        "file": Attribute(SHA256, "skrót pliku PDF"),
        "size": Attribute(SIZE, "rozmiar pliku PDF"),
    },
    build_document,
)
OVERPAYMENT = Element(
    "overpayment",
    "Nadpłata",
    {
        "id": Attribute(ID, "identyfikator"),
        "payer": Attribute(ID, "kontrahent"),
        "receivable": Attribute(ID, "należność", required=False),
        "amount": Attribute(POSITIVE, "kwota"),
        "arose": Attribute(DAY, "dzień powstania"),
        "closed": Attribute(BOOL, "rozliczona", required=False),
    },
    build_overpayment,
)
