"""The people of the office: who they are, what they may, when they signed in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import EmailField
from wtforms.validators import InputRequired, ValidationError

from skarbnik import clock
from skarbnik.accounts import officials
from skarbnik.accounts.factor_news import TAKEN, tell_owner
from skarbnik.accounts.factors import list_factors
from skarbnik.accounts.fields import name_field
from skarbnik.accounts.letters import Letter, tell
from skarbnik.accounts.models import User, UserState
from skarbnik.accounts.password_links import GOOD_FOR, make_password_link
from skarbnik.accounts.permissions import PEOPLE, SEE_PEOPLE
from skarbnik.accounts.sessions import end_all_sessions, list_attempts, list_sessions
from skarbnik.audit.requests import record_own_act
from skarbnik.errors import Conflict, NotFound
from skarbnik.office.idle_roles import list_idle_roles
from skarbnik.office.role_words import role_names, short_role_names
from skarbnik.office.scope_form import Choices, ScopeForm
from skarbnik.plugin_api import N_, Role, impersonal, requires
from skarbnik.receivables.scopes import EVERYTHING, ScopeChanged, ScopeOfWork, get_scope, list_limited, set_scope
from skarbnik.web import frame
from skarbnik.web.access import current_person
from skarbnik.web.fields import EMAIL, LONGEST_EMAIL, at_most, to_choices
from skarbnik.web.formats import day
from skarbnik.web.forms import TokenForm, check_token
from skarbnik.web.limits import limited
from skarbnik.web.paging import cursor, page_number

blueprint = Blueprint("people", __name__, url_prefix="/office/people", template_folder="templates")

PAGE = 50
ATTEMPTS = 25

NEW_PASSWORD = Letter(
    "account.password_link",
    N_("New password: %(office)s"),
    N_(
        "You asked the office for a new password.\n\nChoose it here, until %(day)s: %(address)s\n\n%(office)s\n"
        "If you asked for nothing, tell the administrator. Please do not answer this message."
    ),
)
INVITATION = Letter(
    "account.password_link",
    N_("Invitation to the office: %(office)s"),
    N_(
        "%(by)s invites you to the portal of the office as %(name)s.\n\n"
        "Choose a password here, until %(day)s: %(address)s\n\n%(office)s\nPlease do not answer this message."
    ),
)


class RolesForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What somebody does in the office: one role at least."""

    roles = Choices()

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.roles.choices = to_choices(role_names().items())

    def validate_roles(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose what this person does in the office."))

    @property
    def hints(self) -> dict[str, str]:
        """Of roles that may be given, and give nothing to do here."""
        return dict.fromkeys(
            list_idle_roles(), _("Nothing to do here now: its pages come from a plugin that is not in use.")
        )

    @property
    def chosen(self) -> frozenset[Role]:
        return frozenset(Role(each) for each in self.roles.data or ())


class NameForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What somebody is called."""

    name = name_field()


class InvitationForm(RolesForm):
    """Who is invited."""

    name = name_field()
    email = EmailField(
        validators=[
            InputRequired(_l("Enter the e-mail address.")),
            at_most(LONGEST_EMAIL),
        ]
    )

    def validate_email(self, field: Any) -> None:
        if not EMAIL.fullmatch(field.data.strip()):
            raise ValidationError(_("Enter an e-mail address, such as anna.kowalska@gmina.pl."))


@blueprint.get("")
@requires(SEE_PEOPLE)
@impersonal("the people of the office, no resident")
def listed() -> str:
    """All accounts of the office by name."""
    session, page, text = frame.session(), page_number(), request.args.get("q", "").strip()[:120]
    rows = officials.list_officials(session, text=text, page=page, size=PAGE + 1)
    record_own_act("people.listed", "users")
    return render_template(
        "office/people.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        page=page,
        wanted=text,
        roles=short_role_names(),
        limited=list_limited(session, [row.id for row in rows if Role.ADMINISTRATOR not in row.roles.split()]),
        few=officials.count_administrators(session) < officials.FEWEST_ADMINISTRATORS,
        manages=PEOPLE,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@requires(PEOPLE, fresh=True)
@impersonal("an empty form")
@limited("60 per hour", methods=["POST"])
def invite() -> str | Response | tuple[str, int]:
    """An account and an e-mail with a link to choose its password."""
    session, form, scope = frame.session(), InvitationForm(), ScopeForm()
    if not (form.validate_on_submit() and scope.validate()):
        page = render_template("office/person_new.html", form=form, scope_form=scope)
        return (page, 422) if form.is_submitted() else page
    try:
        user = officials.invite_official(
            session, email=form.email.data or "", name=form.name.data or "", roles=form.chosen
        )
    except Conflict:
        form.email.errors = [_("Somebody in the office has an account with this address already.")]
        return render_template("office/person_new.html", form=form, scope_form=scope), 422
    record_own_act("official.invited", "user", user.id)
    _record_roles(user.id, given=form.chosen)
    before = set_scope(session, user.id, scope.chosen)
    _record_scope(user.id, before, scope.chosen)
    _send_link(user)
    flash(_("The invitation is on its way to %(email)s.", email=user.email))
    return redirect(url_for("people.show", official_id=user.id), 303)


@blueprint.get("/<uuid:official_id>")
@requires(SEE_PEOPLE)
@impersonal("a person of the office, no resident")
def show(official_id: UUID) -> str:
    return _page(official_id, None)


@blueprint.post("/<uuid:official_id>/roles")
@requires(PEOPLE, fresh=True)
def change_roles(official_id: UUID) -> str | Response | tuple[str, int]:
    """They hold from this person's next click on."""
    form = RolesForm()
    if not form.validate_on_submit():
        return _page(official_id, form), 422
    changed = officials.set_roles(frame.session(), official_id, form.chosen, by=current_person().id)
    if changed:
        _record_roles(official_id, given=changed & form.chosen, taken=changed - form.chosen)
        flash(_("The roles are changed."))
    return _back(official_id)


@blueprint.route("/<uuid:official_id>/name", methods=["GET", "POST"])
@requires(PEOPLE)
@impersonal("a person of the office, no resident")
def rename(official_id: UUID) -> str | Response | tuple[str, int]:
    """Who married, or was written wrongly. In the trail and on papers of before the person is called anew, too."""
    user = officials.get_official(frame.session(), official_id)
    form = NameForm(data={"name": user.name})
    if form.validate_on_submit():
        if officials.rename_official(frame.session(), official_id, form.name.data or ""):
            record_own_act("official.renamed", "user", official_id)
            flash(_("The name is changed."))
        return _back(official_id)
    page = render_template("office/person_name.html", form=form, user=user)
    return (page, 422) if form.is_submitted() else page


@blueprint.post("/<uuid:official_id>/scope")
@requires(PEOPLE, fresh=True)
def change_scope(official_id: UUID) -> str | Response | tuple[str, int]:
    """Which kinds of receivables this person works with, from their next click on."""
    session = frame.session()
    user = officials.get_official(session, official_id)
    form = ScopeForm(get_scope(session, user.id))
    if not form.validate_on_submit():
        return _page(official_id, None, form), 422
    if user.id == current_person().id:
        raise officials.OwnAccount("nobody changes their own scope of work")
    try:
        before = set_scope(session, user.id, form.chosen, before=form.before.data or "")
        if before != form.chosen:
            _record_scope(user.id, before, form.chosen)
            flash(_("The scope of work is changed."))
    except ScopeChanged:
        flash(_("Somebody changed the scope of work meanwhile. Look at it as it is now."), "warn")
    return _back(official_id)


@blueprint.post("/<uuid:official_id>/block")
@requires(PEOPLE, fresh=True)
def block(official_id: UUID) -> Response:
    """From now on the account opens nothing, and every browser is signed out."""
    check_token()
    if officials.block_official(frame.session(), official_id, by=current_person().id):
        record_own_act("official.blocked", "user", official_id)
        flash(_("The account is blocked, and every browser is signed out."))
    return _back(official_id)


@blueprint.post("/<uuid:official_id>/unblock")
@requires(PEOPLE, fresh=True)
def unblock(official_id: UUID) -> Response:
    check_token()
    if officials.unblock_official(frame.session(), official_id):
        record_own_act("official.unblocked", "user", official_id)
        flash(_("The account may be used again."))
    return _back(official_id)


@blueprint.post("/<uuid:official_id>/link")
@requires(PEOPLE, fresh=True)
@limited("60 per hour")
def send_link(official_id: UUID) -> Response:
    """The invitation once more, or a new password for who forgot theirs. The link of before ends."""
    check_token()
    user = officials.get_official(frame.session(), official_id)
    if user.state is UserState.BLOCKED:
        flash(_("The account is blocked. Unblock it first."), "warn")
        return _back(official_id)
    _send_link(user)
    record_own_act("official.link_sent", "user", official_id)
    flash(_("A link to choose a password is on its way to %(email)s.", email=user.email))
    return _back(official_id)


@blueprint.post("/<uuid:official_id>/sign-out")
@requires(PEOPLE)
def sign_out(official_id: UUID) -> Response:
    """Every browser of this person, at once: a lost telephone, a computer left open."""
    check_token()
    user = officials.get_official(frame.session(), official_id)
    ended = end_all_sessions(frame.session(), user.id)
    record_own_act("official.signed_out", "user", official_id)
    flash(_("Browsers signed out: %(num)d.", num=ended))
    return _back(official_id)


@blueprint.post("/<uuid:official_id>/second-step")
@requires(PEOPLE, fresh=True)
def take_factors(official_id: UUID) -> Response:
    """Somebody lost the phone and the recovery codes: they set up a new second step at their next sign-in."""
    check_token()
    session = frame.session()
    if officials.take_factors_of_official(session, official_id, by=current_person().id):
        record_own_act("official.factors_taken", "user", official_id)
        tell_owner(officials.get_official(session, official_id), TAKEN)
        flash(_("The second step is taken away, and every browser is signed out. The person was told by e-mail."))
    return _back(official_id)


def _record_roles(official_id: UUID, *, given: frozenset[Role], taken: frozenset[Role] = frozenset()) -> None:
    """An entry a role, so that the trail alone says who could do what, and when."""
    for role in sorted(taken):
        record_own_act("official.role_taken", f"role:{role}", official_id)
    for role in sorted(given):
        record_own_act("official.role_given", f"role:{role}", official_id)


def _record_scope(official_id: UUID, before: ScopeOfWork, after: ScopeOfWork) -> None:
    """As with roles. Nothing in a scope means everything, which has an entry of its own."""
    if before != EVERYTHING and after == EVERYTHING:
        record_own_act("official.scope_lifted", "user", official_id)
    if before == EVERYTHING and after != EVERYTHING:
        record_own_act("official.scope_limited", "user", official_id)
    for code in sorted(before.codes - after.codes):
        record_own_act("official.scope_narrowed", code, official_id)
    for code in sorted(after.codes - before.codes):
        record_own_act("official.scope_widened", code, official_id)


def _send_link(user: User) -> None:
    """In the language of the account. The e-mail is the only place where the secret stands."""
    if user.email is None:
        raise NotFound("no address to send a link to")
    session = frame.session()
    secret = make_password_link(session, user, by=current_person().id)
    tell(
        session,
        g.tenant,
        user,
        INVITATION if user.state is UserState.INVITED else NEW_PASSWORD,
        by=current_person().name,
        name=user.name,
        day=day(clock.local_day(clock.now() + GOOD_FOR)),
        address=g.tenant.url(url_for("welcome.choose", secret=secret)),
    )


def _page(official_id: UUID, form: RolesForm | None, scope_form: ScopeForm | None = None) -> str:
    session = frame.session()
    user = officials.get_official(session, official_id)
    record_own_act("official.viewed", "user", official_id)
    scope = get_scope(session, official_id)
    attempts = list_attempts(session, official_id, before=cursor("before"), size=ATTEMPTS + 1)
    return render_template(
        "office/person.html",
        user=user,
        form=form or RolesForm(formdata=None, data={"roles": user.roles.split()}),
        scope_form=scope_form or ScopeForm(scope, formdata=None),
        is_limited=scope != EVERYTHING,
        is_administrator=Role.ADMINISTRATOR in user.roles.split(),
        plain=TokenForm(),
        factors=list_factors(session, official_id),
        sessions=list_sessions(session, official_id, now=clock.now()),
        attempts=attempts[:ATTEMPTS],
        older_than=attempts[ATTEMPTS - 1].id if len(attempts) > ATTEMPTS else None,
        until=officials.link_until(session, official_id),
        roles=role_names(),
        manages=PEOPLE,
        is_me=user.id == current_person().id,
    )


def _back(official_id: UUID) -> Response:
    return redirect(url_for("people.show", official_id=official_id), 303)


@blueprint.errorhandler(officials.TooFewAdministrators)
@blueprint.errorhandler(officials.OwnAccount)
def refuse(refused: Exception) -> Response:
    """Nothing of it is kept; the page of the person says why."""
    frame.roll_back()
    if isinstance(refused, officials.OwnAccount):
        flash(_("Another administrator has to do this with your account."), "warn")
    else:
        flash(_("The office would be left with too few administrators. Invite another one first."), "warn")
    return _back((request.view_args or {})["official_id"])
