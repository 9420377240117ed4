"""What is around each page of `/operator` on the bare host: who is signed in, and nothing of it on a gmina's host."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, request, url_for
from sqlalchemy import Engine
from werkzeug.wrappers import Response

from skarbnik.operator import sign_in
from skarbnik.web.cookies import read_cookie
from skarbnik.web.frame import instance_of_app

blueprint = Blueprint("operator", __name__, url_prefix="/operator", template_folder="templates")

OWN_SESSION = "operators have sessions of their own, which this room asks for before each view"
DOOR = {"operator.enter", "operator.give_code", "operator.set_up"}


def engine() -> Engine:
    return instance_of_app().engine


def ip() -> str:
    return request.remote_addr or ""


@blueprint.before_request
def _enter() -> Response | None:
    """On a gmina's host there is no such room; on the bare host there is a door."""
    if g.tenant is not None:
        abort(404)
    g.operator = sign_in.find_operator(engine(), read_cookie("operator"))
    if g.operator is None and request.endpoint not in DOOR:
        return redirect(url_for("operator.enter"), 303)
    return None
