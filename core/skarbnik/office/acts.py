"""What the trail's codes mean, in words a clerk reads. A test keeps the list complete."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask_babel import gettext as _

from skarbnik.office.role_words import short_role_names
from skarbnik.tenancy.plugins import PluginPages
from skarbnik.web.frame import instance_of_app
from skarbnik.web.languages import translate

PLUGINS = "plugins"  # the group of what plugins write


def act_names() -> dict[str, str]:
    """Every action that is written into the trail, those of installed plugins too: entries outlive a plugin's use.

    The core's words come last: a plugin called `payment` says nothing else of what the core wrote.
    """
    of_plugins = {action: translate(words) for pages in _plugins().values() for action, words in pages.acts.items()}
    return of_plugins | _own_act_names()


def _plugins() -> dict[str, PluginPages]:
    return instance_of_app().plugins.pages


def _own_act_names() -> dict[str, str]:
    return {
        "account.activated": _("activated an account by a link"),
        "account.closed": _("closed their account"),
        "account.data_taken": _("took all their data as a file"),
        "account.email_asked": _("gave a new e-mail address, not proven yet"),
        "account.email_changed": _("proved a new e-mail address"),
        "account.factor_added": _("added a second step to their account"),
        "account.factor_removed": _("removed a second step from their account"),
        "account.language_changed": _("changed the language of e-mails"),
        "account.made": _("came for the first time and got an account"),
        "account.password_changed": _("changed their password"),
        "account.password_chosen": _("chose a password by a link"),
        "account.phone_changed": _("changed their telephone number"),
        "account.recovery_code_used": _("used a recovery code"),
        "account.recovery_codes_made": _("made new recovery codes"),
        "account.session_ended": _("signed out another browser of theirs"),
        "article.deleted": _("took away a text"),
        "article.saved": _("changed a text"),
        "audit.broken": _("found that this trail was tampered with"),
        "audit.exported": _("took this trail as a file"),
        "audit.handed_over": _("handed this trail over with its seals"),
        "audit.keeping_changed": _("changed how long this trail is kept"),
        "audit.searched": _("looked through this trail"),
        "audit.verified": _("found that this trail is as it was written"),
        "booking.released": _("sent money in suspense to be booked"),
        "capture.booked": _("put money that did not fit on the lines of its order"),
        "calendar.renewed": _("made a new private address of a calendar"),
        "consent.given": _("gave a consent"),
        "consent.withdrawn": _("took a consent back"),
        "dated_value.changed": _("changed a rate or a holiday"),
        "difference.closed": _("closed a difference"),
        "difference.given_back": _("gave a difference back"),
        "difference.noted": _("wrote a note about a difference"),
        "difference.taken": _("took a difference"),
        "document.read": _("read a document"),
        "documents.listed": _("looked at a payer's documents"),
        "exchange.acknowledged": _("took the finance system's answer to a batch"),
        "exchange.asked": _("asked the finance system for files"),
        "exchange.batch_made": _("made a batch of bookings"),
        "exchange.batch_sent_again": _("sent a batch of bookings again"),
        "exchange.batch_taken": _("took a batch of bookings as a file"),
        "exchange.consented": _("agreed to what a file closes"),
        "exchange.declined": _("did not agree to what a file closes"),
        "exchange.document_sent": _("sent a document through the API"),
        "exchange.hurried": _("had a file read at once"),
        "exchange.imported": _("imported a file"),
        "exchange.pushed": _("sent a file through the API"),
        "exchange.uploaded": _("brought a file of the finance system"),
        "identity.connected": _("connected a way to sign in"),
        "identity.disconnected": _("gave up a way to sign in"),
        "identity_provider.access_changed": _("changed whom a way to sign in lets in"),
        "identity_provider.certificate_brought": _("brought a certificate of a way to sign in"),
        "identity_provider.forgotten": _("forgot prepared settings of a way to sign in"),
        "identity_provider.key_made": _("made a key of a way to sign in"),
        "identity_provider.prepared": _("prepared settings of a way to sign in"),
        "identity_provider.tried": _("tried a way to sign in"),
        "identity_provider.taken_up": _("took up settings of a way to sign in"),
        "kind.changed": _("changed a kind of receivable"),
        "link.made": _("made a link by which somebody else pays"),
        "link.revoked": _("took back a link by which somebody else pays"),
        "mandate.asked": _("asked to act for somebody"),
        "mandate.confirmed": _("confirmed somebody's right to act for a payer"),
        "mandate.ended": _("ended somebody's right to act for a payer"),
        "mandate.given_up": _("gave up the right to act for a payer"),
        "mandate.matched": _("found by PESEL for whom somebody acts"),
        "mandate.refused": _("refused a request to act for somebody"),
        "mandate.request_withdrawn": _("withdrew a request to act for somebody"),
        "mandate.taken_back": _("ended a power of attorney they had given"),
        "mandate_request.viewed": _("looked at a request to act for somebody"),
        "mandate_requests.listed": _("looked through requests to act for somebody"),
        "merchant_account.changed": _("changed a merchant account"),
        "merchant_account.keys_dropped": _("did not take up new keys of a merchant account"),
        "merchant_account.keys_proposed": _("entered new keys of a merchant account"),
        "merchant_account.keys_taken_up": _("took up new keys of a merchant account"),
        "notification.viewed": _("read what a gateway sent about a payment"),
        "official.blocked": _("blocked an official's account"),
        "official.factors_taken": _("took away an official's second step"),
        "official.invited": _("invited an official"),
        "official.link_sent": _("sent an official a link to choose a password"),
        "official.made": _("made an account for an official"),
        "official.renamed": _("changed an official's name"),
        "official.role_given": _("gave an official a role"),
        "official.role_taken": _("took a role from an official"),
        "official.scope_lifted": _("let an official work with everything"),
        "official.scope_limited": _("limited what an official works with"),
        "official.scope_narrowed": _("took something out of an official's scope of work"),
        "official.scope_widened": _("put something into an official's scope of work"),
        "official.signed_out": _("signed an official out of every browser"),
        "official.unblocked": _("unblocked an official's account"),
        "official.viewed": _("looked at an official's account"),
        "payer.viewed": _("looked at a payer"),
        "payers.searched": _("searched for payers"),
        "payment.captured": _("took money a gateway confirmed"),
        "payment.ordered": _("ordered a payment"),
        "payment.viewed": _("looked at a payment"),
        "people.listed": _("looked through the people of the office"),
        "payments.listed": _("looked through payments"),
        "plugin.disabled": _("switched a plugin off"),
        "plugin.enabled": _("switched a plugin on"),
        "program.made": _("let a program call the API"),
        "receivables.listed": _("read receivables through the API"),
        "refund.approved": _("approved a refund"),
        "refund.asked": _("asked the gateway about a refund"),
        "refund.completed": _("noted that money went back"),
        "refund.declined": _("declined a refund"),
        "refund.proposed": _("proposed a refund"),
        "refund.rejected": _("noted that a gateway refused a refund"),
        "refund.seen": _("took a refund off the list of what is to be decided"),
        "refund.viewed": _("looked at a refund"),
        "refund.withdrawn": _("withdrew a refund"),
        "registration.confirmed": _("made a registration an account"),
        "registration.removed": _("removed a registration"),
        "registration.viewed": _("looked at a registration"),
        "remark.answered": _("answered a report of wrong data"),
        "remark.taken_up": _("took up a report of wrong data"),
        "remark.viewed": _("looked at a report of wrong data"),
        "remarks.listed": _("looked through reports of wrong data"),
        "resident.blocked_as_asked": _("blocked a resident's account at its owner's wish"),
        "resident.blocked_as_died": _("blocked the account of a resident who died"),
        "resident.blocked_as_misused": _("blocked a resident's account that was misused"),
        "resident.blocked_as_stolen": _("blocked a resident's account that somebody else may open"),
        "resident.identified": _("compared an identity document and proved whose an account is"),
        "resident.matched": _("saw that an account has proven a PESEL already"),
        "resident.moved": _("moved the sign-in of an account after comparing an identity document"),
        "resident.signed_out": _("signed a resident out of every browser"),
        "resident.unblocked_as_asked": _("unblocked a resident's account at its owner's wish"),
        "resident.unblocked_as_cleared": _("unblocked a resident's account after clearing it up"),
        "resident.viewed": _("looked at a resident's account"),
        "residents.listed": _("looked through residents' accounts"),
        "residents.sought": _("looked for a resident by PESEL"),
        "settings.changed": _("changed settings of a plugin"),
        "settlement.asked": _("had gateways asked about a day"),
        "source.changed": _("changed the hours of a finance system"),
        "source.connected": _("connected a finance system"),
        "statement.brought": _("brought a statement of a gateway"),
        "support.agreed": _("let an operator of the portal look"),
        "support.asked": _("asked for support access"),
        "support.ended": _("ended an operator's access"),
        "support.entered": _("came in by support access"),
        "support.left": _("went out of the office"),
        "support.let_in": _("was let in at once, as the office chose"),
        "support.opened": _("asked for a page by support access"),
        "support.refused": _("refused an operator's access"),
        "support.setting_changed": _("changed how operators are let in"),
        "support.withdrawn": _("gave support access back"),
        "switch.changed": _("changed what residents see"),
        "tenant.created": _("made the gmina's portal"),
        "tenant.renamed": _("renamed the gmina's address"),
        "tenant.resumed": _("opened the portal again"),
        "tenant.suspended": _("closed the portal for the moment"),
        "terms.accepted": _("agreed to the terms of use"),
    }


def actor_names() -> dict[str, str]:
    """Who acts without a name of their own."""
    return {
        "system": _("the portal itself"),
        "operator": _("the operator"),
        "api": _("a program"),
        "user": _("somebody whose account is gone"),
    }


def actor_words() -> Callable[[Any], str]:
    """Says who did what an entry tells, in the language of this request also when a file is written after it.

    Who pays by a code or a link never had an account.
    """
    names, nobody = actor_names(), str(_("somebody without an account"))

    def of(entry: Any) -> str:
        if entry.actor == "user" and entry.actor_id is None:
            return nobody
        name: str = entry.name or names.get(entry.actor, entry.actor)
        return name

    return of


def group_names() -> dict[str, str]:
    """Acts by what they are about, in the order somebody looks for them."""
    return {
        "people": _("looked at people's data"),
        "support": _("operators of the portal"),
        "money": _("money"),
        "exchange": _("exchange with the finance system"),
        "settings": _("settings and accounts"),
        "texts": _("texts and remarks"),
        "trail": _("this trail"),
        **({PLUGINS: _("plugins")} if any(pages.acts for pages in _plugins().values()) else {}),
    }


_GROUPS = {
    "people": ("payer.", "payers.", "document.", "documents.", "notification.", "receivables.", "payment.viewed",
               "payments.listed", "refund.viewed", "registration.viewed", "remark.viewed", "remarks.listed",
               "mandate_request.", "mandate_requests.", "resident.matched", "resident.viewed", "residents."),
    "money": ("booking.", "capture.", "difference.", "link.", "payment.", "refund.", "settlement.", "statement."),
    "exchange": ("exchange.", "source."),
    "support": ("support.",),
    "settings": ("account.", "calendar.", "consent.", "dated_value.", "identity.", "identity_provider.", "kind.",
                 "mandate.", "merchant_account.", "official.", "people.", "plugin.", "program.", "registration.",
                 "resident.", "settings.", "switch.", "tenant."),
    "texts": ("article.", "remark.", "terms."),
    "trail": ("audit.",),
}  # fmt: skip


def group_of(action: str) -> str:
    """The first group that has it: looking at people comes before what was looked at."""
    of_plugin = PLUGINS if action.partition(".")[0] in _plugins() else ""
    return next((name for name, starts in _GROUPS.items() if action.startswith(starts)), of_plugin)


def acts_of(group: str) -> list[str]:
    """Every action of a group; none of a group that is none."""
    return acts_by_group(act_names()).get(group, [])


def acts_by_group(actions: Iterable[str]) -> dict[str, list[str]]:
    """Of each group, those of these actions that are in it."""
    found: dict[str, list[str]] = {group: [] for group in group_names()}
    for action in actions:
        found.get(group_of(action), []).append(action)
    return found


def subject_words(code: str, names: dict[str, str]) -> str:
    """`plugin:smtp` is "a plugin smtp"; a code without a word of its own, such as that of a text, stays as it is.

    Where `names` has the whole code, as of a kind by its id, that is what it is called.
    """
    first, mark, rest = re.match(r"([^:/]*)([:/]?)(.*)", code, re.DOTALL).groups()  # type: ignore[union-attr]  # fits all
    if first not in names:
        return code
    return f"{names[first]} {names.get(code, rest)}" if mark else names[first]


def subject_names() -> dict[str, str]:
    """What was looked at or changed, by the first word of its code; what a role is called, by its whole code."""
    of_plugins = {code: translate(words) for pages in _plugins().values() for code, words in pages.subjects.items()}
    roles = {f"role:{role}": words for role, words in short_role_names().items()}
    return of_plugins | _own_subject_names() | roles


def _own_subject_names() -> dict[str, str]:
    return {
        "api_client": _("a program"),
        "audit": _("this trail"),
        "booking_batch": _("a batch of bookings"),
        "booking_line": _("a booking"),
        "capture": _("money that came"),
        "consent": _("a consent"),
        "day": _("a day"),
        "difference": _("a difference"),
        "document": _("a document"),
        "identity_provider": _("a way to sign in"),
        "import_run": _("a file"),
        "kind": _("a kind of receivable"),
        "mandate_request": _("a request to act for somebody"),
        "mandate_requests": _("several requests to act for somebody"),
        "merchant_account": _("a merchant account"),
        "notification": _("a message of a gateway"),
        "page": _("a page"),
        "payer": _("a payer"),
        "payers": _("several payers"),
        "payment_link": _("a link"),
        "payment_order": _("a payment"),
        "payment_orders": _("several payments"),
        "plugin": _("a plugin"),
        "receivables": _("receivables"),
        "refund": _("a refund"),
        "registration": _("a registration"),
        "remark": _("a report of wrong data"),
        "remarks": _("several reports of wrong data"),
        "role": _("a role"),
        "source": _("a finance system"),
        "support_access": _("support access"),
        "switch": _("a choice of the office"),
        "tenant": _("the gmina"),
        "terms": _("the terms of use"),
        "unit": _("a unit"),
        "user": _("an account"),
        "users": _("several accounts"),
        "years": _("years"),
    }
