"""The protocol of a day (protokół uzgodnienia dnia) and of a payout, on paper and as CSV: what was compared, with whom,
what differs and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _

from skarbnik import clock
from skarbnik.money import ZERO, Money
from skarbnik.office.difference_words import resolution_names, words_of
from skarbnik.payments.models import Payout
from skarbnik.payments.reconciliation import FINANCE, AccountDay, DayLine, Figure, PayoutSplit
from skarbnik.plugin_api import SettlementKind
from skarbnik.web.formats import account, day, moment
from skarbnik.web.languages import current_language
from skarbnik.web.tables import Cell, Column, Table


def settlement_names() -> dict[SettlementKind, str]:
    return {
        SettlementKind.PAYMENT: _("payment"),
        SettlementKind.REFUND: _("refund"),
        SettlementKind.CHARGEBACK: _("chargeback"),
        SettlementKind.FEE: _("fee"),
        SettlementKind.CORRECTION: _("correction"),
        SettlementKind.PAYOUT: _("payout"),
    }


def finance_names() -> dict[str, str]:
    """What the finance system made of captured money, by the state of its booking."""
    return {
        "echoed": _("booked and in the balance"),
        "booked": _("booked"),
        "waiting": _("waiting to be booked"),
        "sent": _("waiting to be booked"),
        "in_suspense": _("in suspense"),
        "refused": _("refused"),
        "refunded": _("refunded"),
    }


def known_by(each: AccountDay) -> str:
    """How the gateway's side of a day is known, in a sentence."""
    said: str
    report = each.report
    if report is None:
        said = _("The gateway has not been asked about this day yet.")
    elif report.error in {"Misconfigured", "Refused"}:
        said = _(
            "The gateway refused to tell about this day on %(moment)s: reports may not be switched on there, or the"
            " keys were changed. Tell the operator of the portal.",
            moment=moment(report.asked_at),
        )
    elif report.error is not None:
        said = _("The gateway did not answer on %(moment)s. It will be asked again.", moment=moment(report.asked_at))
    elif report.told_at is None:
        said = _("The gateway is being asked about this day.")
    else:
        at = moment(report.told_at)
        said = {
            "report": _("From the gateway's report, read on %(moment)s.", moment=at),
            "asked": _(
                "This gateway has no report of a day. What stands here is what it answered about each payment on"
                " %(moment)s; refunds, fees and payouts come only with a statement file.",
                moment=at,
            ),
            "statement": _("From a statement file, brought on %(moment)s.", moment=at),
        }[report.origin]
        if not each.was_told:
            said += " " + _("The day was not over then.")
    return said


def day_tables(accounts: Sequence[AccountDay], differences: Sequence[Any]) -> list[Table]:
    """The figures of each account, then what differs."""
    names, finance = settlement_names(), finance_names()
    tables = [
        Table(
            title=f"{each.account.title} {each.account.merchant}",
            lines=[
                _("Pays out to the account %(account)s", account=account(each.account.creditor_account.nrb)),
                known_by(each),
            ],
            columns=[
                Column(_("What"), 22),
                Column(_("Gateway, number"), 10, right=True),
                Column(_("Gateway, sum"), 11, right=True),
                Column(_("Skarbnik, number"), 10, right=True),
                Column(_("Skarbnik, sum"), 11, right=True),
            ],
            rows=[] if each.is_empty else [*_gateway_rows(each, names), *_finance_rows(each, finance)],
            language=current_language(),
        )
        for each in accounts
    ]
    ends = resolution_names()
    tables.append(
        Table(
            title=_("Differences"),
            lines=[] if differences else [_("None.")],
            columns=[
                Column(_("What"), 15),
                Column(_("Payment"), 10),
                Column(_("Amount"), 9, right=True),
                Column(_("Opened"), 13),
                Column(_("Who looks into it"), 13),
                Column(_("How it ended"), 14),
            ],
            rows=[
                (
                    words_of(row.kind).title,
                    row.number,
                    None if row.amount is None else Money(row.amount),
                    moment(row.opened_at),
                    row.owner,
                    _ended(row, ends),
                )
                for row in differences
            ],
            language=current_language(),
        )
    )
    return tables


def _gateway_rows(each: AccountDay, names: dict[SettlementKind, str]) -> Iterator[Sequence[Cell]]:
    ours = {SettlementKind.PAYMENT: each.captured, SettlementKind.REFUND: each.refunds}
    for kind in (SettlementKind.PAYMENT, SettlementKind.REFUND, SettlementKind.CHARGEBACK, SettlementKind.CORRECTION):
        theirs, own = each.gateway.get(kind, Figure()), ours.get(kind)
        if own is not None:
            yield (names[kind], theirs.number, theirs.amount, own.number, own.amount)
        elif theirs.number:
            yield (names[kind], theirs.number, theirs.amount, None, None)
    yield (_("fees"), None, -each.fees if each.fees else ZERO, None, None)


def _finance_rows(each: AccountDay, names: dict[str, str]) -> Iterator[Sequence[Cell]]:
    for state in FINANCE:
        found = each.of_finance(state)
        if found.number:
            said = _("finance system: %(state)s", state=names[state])
            yield (said, None, None, found.number, found.amount)


def _ended(row: Any, ends: dict[str, str]) -> str:
    said: str = _("to be clarified") if row.closed_at is None else ends.get(row.resolution, row.resolution)
    return f"{said} ({row.closed_by})" if row.closed_by else said


def lines_table(wanted: date, lines: Sequence[DayLine], accounts: Sequence[AccountDay]) -> Table:
    """Every line of a day, for a spreadsheet."""
    names, finance = settlement_names(), finance_names()
    titles = {each.account.id: f"{each.account.title} {each.account.merchant}" for each in accounts}
    return Table(
        title=_("Reconciliation of %(day)s", day=day(wanted)),
        lines=[],
        columns=[
            Column(_("Moment")),
            Column(_("Account")),
            Column(_("What")),
            Column(_("Number at the gateway")),
            Column(_("Payment")),
            Column(_("Gateway"), right=True),
            Column(_("Fee"), right=True),
            Column(_("Skarbnik"), right=True),
            Column(_("Finance system")),
            Column(_("Differs")),
        ],
        rows=[
            (
                moment(each.at),
                titles.get(each.account_id, ""),
                names[each.kind],
                each.external_id,
                each.number,
                each.theirs,
                each.fee,
                each.ours,
                ", ".join(dict.fromkeys(finance[state] for state in each.states)),
                _("yes") if each.differs else _("no"),
            )
            for each in lines
        ],
    )


def payout_tables(split: PayoutSplit) -> list[Table]:
    """A payout by kind of receivable, for booking; the last line is what reached the bank."""
    columns = [
        Column(_("Kind of receivable"), 20),
        Column(_("Principal"), 10, right=True),
        Column(_("Interest"), 9, right=True),
        Column(_("Costs"), 9, right=True),
        Column(_("Together"), 10, right=True),
    ]
    rows: list[Sequence[Cell]] = [
        (each.title, each.amounts.principal, each.amounts.interest, each.amounts.costs, each.amounts.total)
        for each in split.kinds
    ]
    rows.append((_("Not allocated to a kind"), None, None, None, split.unallocated))
    rows.append((_("Fees of the gateway"), None, None, None, -split.fees))
    if split.missing:
        rows.append((_("Without a line in the gateway's report"), None, None, None, split.missing))
    rows.append((_("Paid out to the bank account"), None, None, None, split.total))
    title = _("For booking")
    return [Table(title=title, lines=[], columns=columns, rows=rows, language=current_language())]


def payout_table(payout: Payout, rows: Sequence[Any]) -> Table:
    """The lines of a payout, for a spreadsheet."""
    names = settlement_names()
    return Table(
        title=_("Payout %(number)s", number=payout.external_id),
        lines=[],
        columns=[
            Column(_("Moment")),
            Column(_("What")),
            Column(_("Number at the gateway")),
            Column(_("Payment")),
            Column(_("Amount"), right=True),
            Column(_("Fee"), right=True),
            Column(_("Paid out"), right=True),
        ],
        rows=[
            (
                moment(row.happened_at),
                names[SettlementKind(row.kind)],
                row.external_id,
                row.number,
                Money(row.amount),
                Money(row.fee),
                Money(row.amount - row.fee),
            )
            for row in rows
        ],
    )


def signed(name: str) -> list[str]:
    """Where who made it and who checked it sign."""
    made = _("Made by: %(name)s, %(moment)s", name=name, moment=moment(clock.now()))
    return [made, _("Checked by: %(place)s", place="." * 40)]
