"""Ways to sign in that the office lets people have: providers, their settings, keys and certificates.

Whoever names the provider names who residents are, so each change asks for the second factor.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired

from skarbnik import clock
from skarbnik.accounts import connections
from skarbnik.accounts.certificates import Dated, read_dated
from skarbnik.accounts.connections import Prepared, WrongCertificate
from skarbnik.accounts.models import Door, ProviderConnection, SignInPurpose
from skarbnik.accounts.permissions import PROVIDERS
from skarbnik.accounts.provider_pages import send_away
from skarbnik.accounts.providers import list_types
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import Conflict, Invalid, Misconfigured, NotFound
from skarbnik.office.settings_form import LONGEST_LINES, SettingsForm, make_form
from skarbnik.plugin_api import Assurance, IdentityProvider, impersonal, requires
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.fields import at_most, to_choices
from skarbnik.web.forms import TokenForm, check_token

blueprint = Blueprint("identity", __name__, url_prefix="/office/identity", template_folder="templates")


class AccessForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Whom a provider lets in, and whether; and what people call it."""

    title = StringField(validators=[at_most(60)], render_kw={"maxlength": 60})
    door = RadioField(validators=[InputRequired(_l("Choose whom it lets in."))])
    level = RadioField(validators=[InputRequired(_l("Choose a level."))])
    enabled = BooleanField()

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.door.choices = to_choices(
            [
                (Door.RESIDENTS.value, _("residents and companies")),
                (Door.OFFICE.value, _("people of the office, once they have connected it with their account")),
            ]
        )
        self.level.choices = to_choices(
            [
                (Assurance.LOW.value, _("low: name and password")),
                (Assurance.SUBSTANTIAL.value, _("substantial: Profil Zaufany, a bank")),
                (Assurance.HIGH.value, _("high: an identity card with a chip")),
            ]
        )


class CertificateForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The certificate that came from the authority."""

    certificate = TextAreaField(
        validators=[InputRequired(_l("Paste the certificate.")), at_most(LONGEST_LINES)],
        render_kw={"rows": 6, "spellcheck": "false", "autocomplete": "off"},
    )


@blueprint.get("")
@requires(PROVIDERS)
@impersonal("settings")
def listed() -> str:
    """What the plugins of this gmina offer, and what of it is on."""
    session = frame.session()
    return render_template(
        "office/identity.html",
        types=list_types(g.tenant),
        connected=connections.list_connections(session),
        ending=connections.list_expiries(session, g.tenant),
    )


@blueprint.get("/<provider_id>")
@requires(PROVIDERS)
@impersonal("settings")
def show(provider_id: str) -> str:
    _type_of(provider_id)
    return _page(provider_id)


@blueprint.post("/<provider_id>/access")
@requires(PROVIDERS, fresh=True)
def change_access(provider_id: str) -> str | AnyResponse | tuple[str, int]:
    """On or off, for whom. Who is signed in stays so."""
    _type_of(provider_id)
    form = AccessForm()
    if not form.validate_on_submit():
        return _page(provider_id, access=form), 422
    try:
        connections.set_access(
            frame.session(),
            provider_id,
            door=Door(form.door.data),
            level=Assurance(form.level.data),
            enabled=form.enabled.data,
            title=(form.title.data or "").strip(),
        )
    except Conflict:
        flash(_("Enter the settings first, and use them."), "warn")
        return _back(provider_id)
    record_own_act("identity_provider.access_changed", f"identity_provider/{provider_id}")
    flash(_("Saved. It holds at once."))
    return _back(provider_id)


@blueprint.post("/<provider_id>/settings")
@requires(PROVIDERS, fresh=True, secret=True)
def prepare(provider_id: str) -> str | AnyResponse | tuple[str, int]:
    """Keep what was typed, whole or not. Nothing is used of it yet."""
    provider_type, session = _type_of(provider_id), frame.session()
    form = _settings_form(provider_type, connections.read_prepared(session, g.tenant, provider_id))
    if not form.validate_on_submit() or not _goes_where_it_went(provider_id, provider_type, form):
        return _page(provider_id, settings=form), 422
    connections.prepare(session, g.tenant, provider_id, form.values())
    record_own_act("identity_provider.prepared", f"identity_provider/{provider_id}")
    flash(_("Kept. Nothing changed for anybody until you use it."))
    return _back(provider_id)


@blueprint.post("/<provider_id>/take-up")
@requires(PROVIDERS, fresh=True)
def take_up(provider_id: str) -> AnyResponse:
    """Sign-ins that begin from now on use what was prepared."""
    check_token()
    provider_type, session = _type_of(provider_id), frame.session()
    try:
        connections.take_up(session, g.tenant, provider_id, by=current_person().id)
    except Invalid as error:
        session.rollback()
        labels = _labels(provider_type)
        missing = ", ".join(labels.get(name, name) for name in error.problems)
        flash(_("It is not whole yet. Missing or wrong: %(what)s", what=missing), "warn")
    except Misconfigured:
        session.rollback()
        flash(_("A key and its certificate do not fit together, or cannot be read. Nothing changed."), "warn")
    except Conflict:
        session.rollback()
        flash(_("Nothing was prepared."), "warn")
    else:
        record_own_act("identity_provider.taken_up", f"identity_provider/{provider_id}")
        flash(_("It is used from now on. Try it."))
    return _back(provider_id)


@blueprint.post("/<provider_id>/forget")
@requires(PROVIDERS, fresh=True)
def forget(provider_id: str) -> AnyResponse:
    check_token()
    _type_of(provider_id)
    connections.forget_prepared(frame.session(), g.tenant, provider_id)
    record_own_act("identity_provider.forgotten", f"identity_provider/{provider_id}")
    flash(_("What was prepared is forgotten. Nothing else changed."))
    return _back(provider_id)


@blueprint.post("/<provider_id>/try")
@requires(PROVIDERS, fresh=True)
def try_it(provider_id: str) -> Response:
    """The whole way with the settings in use, also while it is switched off. Nobody is signed in by it."""
    check_token()
    record_own_act("identity_provider.tried", f"identity_provider/{provider_id}")
    return send_away(provider_id, purpose=SignInPurpose.TRIAL, user_id=current_person().id, wanted="")


@blueprint.post("/<provider_id>/keys/<use>")
@requires(PROVIDERS, fresh=True)
def make_key(provider_id: str, use: str) -> AnyResponse:
    """A new key and the request for its certificate. The key never leaves the portal."""
    check_token()
    connections.make_waiting_key(frame.session(), g.tenant, provider_id, use)
    record_own_act("identity_provider.key_made", f"identity_provider/{provider_id}/{use}")
    flash(_("The key is made. Send the request to the authority, and paste its certificate here."))
    return _back(provider_id)


@blueprint.get("/<provider_id>/keys/<use>.csr")
@requires(PROVIDERS)
@impersonal("a request for a certificate of the gmina")
def certificate_request(provider_id: str, use: str) -> Response:
    _type_of(provider_id)
    waiting = connections.read_prepared(frame.session(), g.tenant, provider_id).waiting.get(use)
    if waiting is None:
        raise NotFound(f"no key waits for {use}")
    name = f"{g.tenant.slug}-{provider_id}-{use}.csr"
    return Response(
        waiting.request,
        content_type="application/pkcs10",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@blueprint.post("/<provider_id>/keys/<use>/certificate")
@requires(PROVIDERS, fresh=True)
def bring_certificate(provider_id: str, use: str) -> str | AnyResponse | tuple[str, int]:
    """The certificate joins the key that waits for it; both are prepared."""
    _type_of(provider_id)
    form = CertificateForm()
    if not form.validate_on_submit():
        return _page(provider_id, certificate=form, use=use), 422
    try:
        connections.take_certificate(frame.session(), g.tenant, provider_id, use, form.certificate.data or "")
    except WrongCertificate:
        form.certificate.errors = [_("This is no certificate for the key that waits. Paste the one for its request.")]
        return _page(provider_id, certificate=form, use=use), 422
    record_own_act("identity_provider.certificate_brought", f"identity_provider/{provider_id}/{use}")
    flash(_("The certificate fits. It is used once you use what is prepared."))
    return _back(provider_id)


def _type_of(provider_id: str) -> type[IdentityProvider]:
    found = list_types(g.tenant).get(provider_id)
    if found is None:
        raise NotFound(f"no identity provider {provider_id!r}")
    return found


def _own_settings(provider_type: type[IdentityProvider]) -> frozenset[str]:
    """Settings with keys made here and their certificates: they are on no form."""
    return frozenset(name for use in provider_type.key_uses for name in (use.key_setting, use.certificate_setting))


def _settings_form(provider_type: type[IdentityProvider], prepared: Prepared) -> SettingsForm:
    return make_form(provider_type.settings_type, prepared.values, skip=_own_settings(provider_type), partial=True)


def _goes_where_it_went(provider_id: str, provider_type: type[IdentityProvider], form: SettingsForm) -> bool:
    """Secrets that are kept go to no other address than the one they are of, unless they are typed anew."""
    session = frame.session()
    connection = connections.find_connection(session, provider_id)
    current = connections.read_current(session, g.tenant, connection)
    if current is None or form.made is None or provider_type.hosts(form.made) == provider_type.hosts(current):
        return True
    return form.demand_secrets()


def _labels(provider_type: type[IdentityProvider]) -> dict[str, str]:
    return {each.name: each.metadata["label"] for each in dataclasses.fields(provider_type.settings_type)}


def _page(
    provider_id: str,
    *,
    access: AccessForm | None = None,
    settings: SettingsForm | None = None,
    certificate: CertificateForm | None = None,
    use: str = "",
) -> str:
    session, provider_type = frame.session(), _type_of(provider_id)
    connection = connections.find_connection(session, provider_id)
    prepared = connections.read_prepared(session, g.tenant, provider_id)
    return render_template(
        "office/identity_provider.html",
        id=provider_id,
        label=provider_type.label,
        connection=connection,
        prepared=prepared,
        in_use=connection is not None and connection.settings_version is not None,
        keys=[(each, _dated(prepared.values.get(each.certificate_setting))) for each in provider_type.key_uses],
        access=access or _access_form(connection),
        settings=settings or _settings_form(provider_type, prepared),
        certificate=certificate or CertificateForm(formdata=None),
        wrong_use=use,
        ending=[each for label, each in connections.list_expiries(session, g.tenant) if label == provider_type.label],
        return_url=g.tenant.url(url_for("doors.come_back", provider_id=provider_id)),
        plain=TokenForm(),
        today=clock.now(),
    )


def _access_form(connection: ProviderConnection | None) -> AccessForm:
    if connection is None:
        return AccessForm(formdata=None, data={"door": Door.RESIDENTS.value, "level": Assurance.SUBSTANTIAL.value})
    words = {
        "title": connection.title,
        "door": connection.door.value,
        "level": connection.level.value,
        "enabled": connection.enabled,
    }
    return AccessForm(formdata=None, data=words)


def _dated(certificate: str | None) -> Dated | None:
    try:
        found = read_dated(certificate) if certificate else []
    except Invalid:
        return None
    return found[0] if found else None


def _back(provider_id: str) -> AnyResponse:
    return redirect(url_for("identity.show", provider_id=provider_id), 303)
