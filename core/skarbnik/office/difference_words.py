"""What each kind of difference is called, what it means and what to do about it, in words a clerk reads."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

KINDS = (
    "gateway_only",
    "portal_only",
    "amount_differs",
    "refund_outside",
    "chargeback",
    "payout_differs",
    "not_sent",
    "not_answered",
    "overpaid",
    "closed",
    "capture_in_suspense",
    "payment_held",
    "booking_refused",
    "refund_proposed",
    "refund_refused",
    "refund_unanswered",
    "refund_amount",
    "refund_twice",
    "refund_after_all",
)


@dataclass(frozen=True)
class Words:
    """`title` in a list, `meaning` and `advice` where there is room."""

    title: str
    meaning: str
    advice: str


def difference_words() -> dict[str, Words]:
    """Every kind there is. A test keeps the list complete."""
    return {
        "gateway_only": Words(
            _("Only the gateway has it"),
            _("The gateway reports money that Skarbnik did not capture."),
            _(
                "If the payment was begun here, Skarbnik has already asked the gateway about it and the difference"
                " closes by itself. Otherwise another program uses the same account at the gateway: find out which."
            ),
        ),
        "portal_only": Words(
            _("Only Skarbnik has it"),
            _("Skarbnik has a payment or a refund that the gateway does not report for its day, nor later."),
            _("Look for it in the gateway's panel and ask its help desk. Until then do not refund the payment."),
        ),
        "amount_differs": Words(
            _("The amounts differ"),
            _("The gateway reports another amount or currency than Skarbnik has."),
            _("Compare with the gateway's panel. When the gateway corrects its report, this closes by itself."),
        ),
        "refund_outside": Words(
            _("A refund nobody asked for here"),
            _("Money was sent back at the gateway, not through Skarbnik, so the finance system does not know of it."),
            _(
                "Find out who made the refund in the gateway's panel, and record it on the payment with the number it"
                " has there: the difference then closes by itself."
            ),
        ),
        "chargeback": Words(
            _("Chargeback"),
            _("The payer's bank took the money back through the gateway."),
            _(
                "Answer the gateway if the payment was right. Otherwise record the chargeback on the payment with the"
                " number it has at the gateway."
            ),
        ),
        "payout_differs": Words(
            _("The payout does not add up"),
            _("What the gateway sent to the bank account is not the sum of what it paid out, less its fees."),
            _("Compare the payout with the bank statement and with the gateway's panel."),
        ),
        "not_sent": Words(
            _("Not sent to the finance system"),
            _("Captured money has waited for more than three days to be sent to be booked."),
            _("Look at the exchange of files: its hours, and whether batches are made."),
        ),
        "not_answered": Words(
            _("The finance system is silent"),
            _("The booking was sent more than three days ago and there is no answer."),
            _("Look at the batch in the exchange of files and send it again if the finance system has lost it."),
        ),
        "overpaid": Words(
            _("The debt was paid already"),
            _("Two people paid the same debt, or one paid it twice."),
            _("Send it to be booked, which makes an overpayment, or refund it."),
        ),
        "closed": Words(
            _("The debt was closed meanwhile"),
            _("The finance system closed the debt between the order and the payment."),
            _("Send it to be booked, which makes an overpayment, or refund it."),
        ),
        "capture_in_suspense": Words(
            _("The gateway's money does not match the order"),
            _("Another amount, currency or account at the gateway than was ordered."),
            _("Open the payment: book it as far as it goes, or refund it."),
        ),
        "payment_held": Words(
            _("The gateway holds money that is not what was ordered"),
            _("It was not confirmed, so it is still the payer's."),
            _("Take it or send it back in the gateway's panel; the difference then closes by itself."),
        ),
        "booking_refused": Words(
            _("The finance system refused the booking"),
            _("The finance system will not book it as it is."),
            _("Mend the reason in the finance system, then send it again or refund it."),
        ),
        "refund_proposed": Words(
            _("A refund waits for a second person"),
            _("One person proposed it. Nothing moves before another one decides."),
            _("Open the payment, look at the reason, and approve or decline the refund."),
        ),
        "refund_refused": Words(
            _("The gateway refused a refund"),
            _("No money moved."),
            _("When the reason is mended, for example the balance at the gateway, propose the refund anew."),
        ),
        "refund_unanswered": Words(
            _("The gateway has not said for a month what became of a refund"),
            _("It was sent and may have gone through."),
            _("Look in the gateway's panel whether the money went."),
        ),
        "refund_amount": Words(
            _("The gateway sent back another amount than was asked for"),
            _("Once it is done there, what really went counts as sent back, as far as the payment reaches."),
            _("Look in the gateway's panel how much went. Propose anew what is missing; claim what was too much."),
        ),
        "refund_twice": Words(
            _("The gateway took two refunds for one"),
            _("It gives this refund the number of another one, so its money has not gone. It is asked again."),
            _("Look in the gateway's panel how many refunds there are, and speak with the gateway."),
        ),
        "refund_after_all": Words(
            _("A refund that was refused went through at the gateway after all"),
            _("The money may be gone, and Skarbnik does not count it as gone."),
            _("Look in the gateway's panel, and record what went as a refund made there."),
        ),
    }


def words_of(kind: str) -> Words:
    """Of one kind; a newer release may have opened one that this one has no words for."""
    return difference_words().get(kind, Words(kind, "", ""))


def resolution_names() -> dict[str, str]:
    """How differences end, by themselves or with a decision. What a person wrote is shown as it was written."""
    return {
        "captured": _("The gateway was asked and the money was captured."),
        "told": _("The gateway has reported it since."),
        "equal": _("The amounts are equal now."),
        "recorded": _("The refund is recorded here now."),
        "adds_up": _("The payout adds up now."),
        "moved_on": _("The finance system has moved on."),
        "released": _("A person decided to send it to be booked."),
        "booked": _("Booked in the finance system."),
        "completed": _("The gateway has the money now."),
        "rejected": _("The gateway holds nothing any more."),
        "pending": _("The gateway holds nothing any more."),
        "refunded": _("The money went back to the payer."),
        "taken_back": _("The refund was withdrawn."),
        "declined": _("The refund was declined."),
        "approved": _("The refund was approved."),
        "refund_completed": _("The gateway sent the money back."),
        "refund_rejected": _("The gateway refused the refund."),
        "proposed_anew": _("The refund was proposed anew."),
        "overtaken": _("The gateway sent back more than was asked for, so less is left."),
        "seen": _("Somebody looked at it, and nothing more is to be done."),
    }
