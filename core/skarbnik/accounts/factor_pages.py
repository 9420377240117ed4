"""The pages that ask for a second factor, and those that set one up, with their forms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import g, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import Length

from skarbnik.accounts import factor_news, factors
from skarbnik.accounts.codes import address_of_key, draw_address, in_fours, new_app_key
from skarbnik.accounts.models import FactorKind, User
from skarbnik.accounts.passkeys import PasskeyRefused, Purpose, take_new_passkey
from skarbnik.errors import Conflict
from skarbnik.web import frame
from skarbnik.web.fields import at_most
from skarbnik.web.formats import browser
from skarbnik.web.sealed import open_words, seal_words

KEY_GOOD_FOR = timedelta(hours=1)  # to put a key into an app
SET_UP_PURPOSE = "app-set-up"


class CodeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A code of an app or one from paper; or, from a script, the answer of a passkey."""

    code = StringField(
        validators=[at_most(40)],
        render_kw={"inputmode": "numeric", "maxlength": 10, "class": "code six"},
    )
    recovery = StringField(
        validators=[at_most(40)], render_kw={"maxlength": 40, "class": "code", "spellcheck": "false"}
    )
    password = PasswordField(
        validators=[Length(max=200, message=_l("Use at most %(max)d characters for the password."))]
    )
    answer = HiddenField()

    @property
    def given(self) -> str:
        """What was typed, in whichever field."""
        return self.code.data or self.recovery.data or ""


class SetUpForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The first code of a new app, with the sealed key it was made from; or a new passkey."""

    code = StringField(
        validators=[at_most(40)], render_kw={"inputmode": "numeric", "maxlength": 10, "class": "code six"}
    )
    key = HiddenField()
    name = StringField(validators=[at_most(60)], render_kw={"maxlength": 60})
    answer = HiddenField()

    @property
    def called(self) -> str:
        """What a passkey is called: as typed, or as the browser it was made in."""
        name = "".join(letter for letter in self.name.data or "" if letter.isprintable()).strip()
        return name or browser(request.user_agent.string)[:60]


def second_page(user: User, form: CodeForm, kept: str | None) -> str:
    """After the password."""
    kinds = {each.kind for each in factors.list_factors(frame.session(), user.id)}
    return render_template(
        "accounts/second.html",
        form=form,
        kept=kept,
        has_app=FactorKind.TOTP in kinds,
        has_passkey=FactorKind.PASSKEY in kinds,
        official=user.kind,
    )


def set_up_page(user: User, form: SetUpForm, *, at_sign_in: bool, kept: str | None = None) -> str:
    """A key to scan or to type. The same one again when the code was not right."""
    key = open_key(user, form.key.data) or new_app_key()
    form.key.data = seal_key(user, key)
    address = address_of_key(key, name=user.email or user.name, issuer=g.tenant.name)
    return render_template(
        "accounts/set_up.html",
        form=form,
        kept=kept,
        at_sign_in=at_sign_in,
        action=url_for("second.set_up" if at_sign_in else "own_factors.set_up"),
        drawing=draw_address(address),
        key=in_fours(key).replace("-", " "),
        uri=address,
        called=browser(request.user_agent.string)[:60],
    )


def codes_page(codes: list[str], onward: str | None, **more: Any) -> str:
    """Recovery codes, this once."""
    return render_template("accounts/recovery_codes.html", codes=codes, onward=onward, **more)


def keep_new(purpose: Purpose, user: User, form: SetUpForm) -> bool:
    """Keep the app or the passkey of a form. False when it was not right; the form says why."""
    try:
        if form.answer.data:
            take_new_passkey(purpose, user, form.answer.data, name=form.called)
            factor_news.factor_added(user, factor_news.PASSKEY)
            return True
        key = open_key(user, form.key.data)
        if key is None:
            raise factors.WrongCode("the key waited too long")
        factors.keep_app(frame.session(), g.tenant, user.id, key, (form.code.data or "").replace(" ", ""))
        factor_news.factor_added(user, factor_news.APP)
    except factors.WrongCode:
        form.code.errors = [wrong_code()]
    except PasskeyRefused:
        form.name.errors = [wrong_passkey()]
    except factors.TooManyPasskeys:
        form.name.errors = [_("You have %(num)d passkeys. Remove one first.", num=factors.MOST_PASSKEYS)]
    except Conflict:
        form.name.errors = [_("You have this passkey already.")]
    else:
        return True
    return False


def seal_key(user: User, key: str) -> str:
    """A key that waits in a form until its first code comes. It is this user's, for an hour."""
    return seal_words(g.tenant, SET_UP_PURPOSE, {"user": str(user.id), "key": key})


def open_key(user: User, sealed: str | None) -> str | None:
    words = open_words(g.tenant, SET_UP_PURPOSE, sealed, good_for=KEY_GOOD_FOR)
    return str(words["key"]) if words and words["user"] == str(user.id) else None


def wrong_code() -> str:
    """The same for a wrong code and for one that was used."""
    return str(_("The code is not right. Type the one the app shows now; each code counts once."))


def wrong_passkey() -> str:
    return str(_("The passkey did not work. Try again, or use another way."))
