"""What makes the portal installable on a telephone: manifest, icon, and one page for when there is no line."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files

import typst
from flask import Blueprint, Flask, Response, abort, current_app, g, jsonify, render_template
from flask_babel import gettext as _
from markupsafe import escape

from skarbnik.plugin_api import public
from skarbnik.tenancy.registry import Tenant

DAY = "public, max-age=86400"
PIXELS = (180, 192, 512)

blueprint = Blueprint("shell", __name__)


def install_shell(app: Flask) -> None:
    app.register_blueprint(blueprint)


def _tenant() -> Tenant:
    tenant: Tenant | None = g.get("tenant")
    if tenant is None:
        abort(404)
    return tenant


@blueprint.get("/manifest.webmanifest")
@public("the name and the colour of a gmina")
def manifest() -> Response:
    tenant = _tenant()
    response = jsonify(
        id="/",
        name=f"{tenant.name}: {_('Taxes and fees')}",
        short_name=tenant.short_name,
        lang=g.language,
        start_url="/",
        scope="/",
        display="standalone",
        background_color="#ffffff",
        theme_color=tenant.colour,
        icons=[
            {"src": "/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
            {"src": "/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "maskable"},
            *({"src": f"/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"} for size in PIXELS),
        ],
    )
    response.content_type = "application/manifest+json"
    return response


@blueprint.get("/icon.svg")
@public("the first letter and the colour of a gmina")
def icon() -> Response:
    tenant = _tenant()
    letter = escape(tenant.short_name[:1])
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 192 192">'
        f'<rect width="192" height="192" fill="{tenant.colour}"/>'
        '<path fill="#fff" d="M46 38h100v64c0 30-24 45-50 54-26-9-50-24-50-54z"/>'
        f'<text x="96" y="112" text-anchor="middle" font-family="system-ui,sans-serif" font-weight="700"'
        f' font-size="64" fill="{tenant.colour}">{letter}</text></svg>'
    )
    response = Response(drawing, content_type="image/svg+xml")
    response.headers["Cache-Control"] = DAY
    return response


@blueprint.get("/icon-<int:size>.png")
@public("the first letter and the colour of a gmina")
def icon_png(size: int) -> Response:
    """The same as pixels: some telephones take no drawing for their first screen."""
    if size not in PIXELS:
        abort(404)
    tenant = _tenant()
    response = Response(_pixels(tenant.colour, tenant.short_name[:1], size), content_type="image/png")
    response.headers["Cache-Control"] = DAY
    return response


@lru_cache(maxsize=256)
def _pixels(colour: str, letter: str, size: int) -> bytes:
    source = (files("skarbnik.web") / "assets_print" / "icon.typ").read_bytes()
    inputs = {"data": json.dumps({"colour": colour, "letter": letter})}
    return typst.compile(source, format="png", ppi=72 * size / 192, sys_inputs=inputs, ignore_system_fonts=True)


@blueprint.get("/offline")
@public("holds nothing of anybody")
def offline() -> str:
    return render_template("web/offline.html", tenant=_tenant())


@blueprint.get("/sw.js")
@public("a script, the same for everybody")
def service_worker() -> Response:
    """Served from the root, since a worker may only look after addresses below its own."""
    sheet = current_app.extensions["skarbnik-sheet"]
    text = current_app.extensions["skarbnik-worker"]
    for mark, value in (
        ("@release@", sheet.split("/")[2]),
        ("@sheet@", sheet),
        ("@colour@", f"/static/colour/{_tenant().colour[1:]}.css"),
    ):
        text = text.replace(mark, value)
    return Response(text, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})
