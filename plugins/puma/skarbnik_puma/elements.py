"""The elements of an export, version 1: their attributes in the order of the rows of the contract."""

from __future__ import annotations

from collections.abc import Callable
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
new_receivable: Callable[[tuple[object, ...]], ReceivableRow] = partial(tuple.__new__, ReceivableRow)
new_liability: Callable[[tuple[object, ...]], LiabilityRow] = partial(tuple.__new__, LiabilityRow)
new_instalment: Callable[[tuple[object, ...]], InstalmentRow] = partial(tuple.__new__, InstalmentRow)
new_operation: Callable[[tuple[object, ...]], OperationRow] = partial(tuple.__new__, OperationRow)

ROLES = {str(role): role for role in LiabilityRole}
OPERATIONS = {str(kind): kind for kind in OperationKind}


def build_kind(line: int, _owner: str | None, code: str, title: str, regime: str, account: str | None) -> KindRow:
    if account is not None and not is_nrb(account):
        raise ValueError("account")
    return KindRow(line, code, title, Regime(regime), account)


def build_payer(
    line: int,
    _owner: str | None,
    external_id: str,
    kind: str,
    name: str,
    pesel: str | None,
    nip: str | None,
    regon: str | None,
    *rest: str | None,
) -> PayerRow:
    if pesel is not None and not is_pesel(pesel):
        raise ValueError("pesel")
    if nip is not None and not is_nip(nip):
        raise ValueError("nip")
    if regon is not None and not is_regon(regon):
        raise ValueError("regon")
    if rest[-1] == external_id:
        raise Unfit("merged_into", "kontrahent nie może być połączony sam ze sobą")
    return PayerRow(line, external_id, PayerKind(kind), name, pesel, nip, regon, *rest)


def build_receivable(
    line: int,
    _owner: str | None,
    external_id: str,
    kind: str,
    parent: str | None,
    title: str,
    number: str | None,
    start: str | None,
    end: str | None,
    basis: str | None,
    account: str | None,
    closed: str | None,
    code: str | None,
) -> ReceivableRow:
    if account is not None and int(account[2:] + "2521" + account[:2]) % 97 != 1:
        raise ValueError("account")
    if parent == external_id:
        raise Unfit("parent", "należność nie może być nadrzędna sama dla siebie")
    since = DAYS[start] if start is not None else None
    until = None
    if end is not None:
        until = DAYS[end]
        if since is not None and since > until:
            raise Unfit("period", "okres kończy się, zanim się zacznie")
    return new_receivable(
        (line, external_id, kind, parent, title, number, since, until, basis, account, closed == "true", code)
    )


def build_liability(
    line: int, owner: str, payer: str, role: str, part: str, whole: str, start: str | None, end: str | None
) -> LiabilityRow:
    share_part, share_whole = int(part), int(whole)
    if share_part > share_whole:
        raise Unfit("share", "udział jest większy od całości")
    since = DAYS[start] if start is not None else None
    until = None
    if end is not None:
        until = DAYS[end]
        if since is not None and since > until:
            raise Unfit("period", "odpowiedzialność kończy się, zanim się zacznie")
    return new_liability((line, owner, payer, ROLES[role], share_part, share_whole, since, until))


def build_instalment(
    line: int,
    owner: str,
    external_id: str,
    number: str,
    due: str,
    charged: str,
    principal: str,
    interest: str,
    costs: str,
    closed: str | None,
) -> InstalmentRow:
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
    line: int,
    owner: str,
    external_id: str,
    instalment: str | None,
    kind: str,
    booked: str,
    happened: str,
    document: str,
    principal: str,
    interest: str,
    costs: str,
    other: str | None,
    booking: str | None,
) -> OperationRow:
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


def build_overpayment(
    line: int,
    _owner: str | None,
    external_id: str,
    payer: str,
    receivable: str | None,
    amount: str,
    arose: str,
    closed: str | None,
) -> OverpaymentRow:
    return OverpaymentRow(line, external_id, payer, receivable, grosze(amount), DAYS[arose], closed == "true")


def build_document(
    line: int, owner: str, external_id: str, title: str, issued: str, sha256: str, size_text: str
) -> DocumentRow:
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
