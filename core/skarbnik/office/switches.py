"""What the office lets residents see, where the law leaves it the choice."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField

from skarbnik.audit.requests import record_own_act
from skarbnik.plugin_api import impersonal, requires
from skarbnik.receivables.permissions import DECIDE, SEE_ANY
from skarbnik.tenancy.models import SwitchName
from skarbnik.tenancy.switches import is_switched_on, set_switch
from skarbnik.web import frame
from skarbnik.web.access import current_person

blueprint = Blueprint("switches", __name__, url_prefix="/office/kinds/shown", template_folder="templates")


SHOWN = (SwitchName.NAME_CO_OWNERS,)  # those about what residents see; what concerns operators has a page of its own


class SwitchesForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Each field is called as its switch."""

    name_co_owners = BooleanField()


@blueprint.get("")
@requires(SEE_ANY)
@impersonal("settings")
def show() -> str:
    form = SwitchesForm(formdata=None)
    for name in SHOWN:
        form[name].data = is_switched_on(frame.session(), name)
    return render_template("office/switches.html", form=form, decide=DECIDE)


@blueprint.post("")
@requires(DECIDE, fresh=True)
def change() -> str | Response | tuple[str, int]:
    form, by = SwitchesForm(), current_person().id
    if not form.validate():
        return render_template("office/switches.html", form=form, decide=DECIDE), 422
    for name in SHOWN:
        if set_switch(frame.session(), name, on=form[name].data, by=by):
            record_own_act("switch.changed", f"switch/{name}")
    flash(_("Saved. Residents see it at once."))
    return redirect(url_for("switches.show"), 303)
