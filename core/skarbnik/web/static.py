"""Static files: fingerprinted by content, compressed once at the start, kept by browsers for a year."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import flask_bootstrap
from flask import Blueprint, Flask, Response, abort, request

from skarbnik.colours import for_dark
from skarbnik.plugin_api import public
from skarbnik.web.frame import on_bare_host
from skarbnik.web.icons import icon

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file, as it is and compressed."""

    name: str
    plain: bytes
    packed: bytes
    fingerprint: str


def _read_assets() -> dict[str, Asset]:
    folder = files("skarbnik") / "web" / "assets"
    bootstrap = files(flask_bootstrap).joinpath("static/bootstrap5/css/bootstrap.min.css").read_bytes()
    bootstrap = bootstrap.rpartition(b"/*# sourceMappingURL")[0]  # a map that is not served
    contents = {entry.name: entry.read_bytes() for entry in folder.iterdir()}
    contents.pop("worker.js")  # served from the root by `shell`
    contents["skarbnik.css"] = bootstrap + contents["skarbnik.css"]  # one file is one trip less on a slow line
    return {name: _make_asset(name, plain) for name, plain in contents.items()}


def _make_asset(name: str, plain: bytes) -> Asset:
    return Asset(name, plain, gzip.compress(plain, 9), hashlib.sha256(plain).hexdigest()[:12])


@lru_cache(maxsize=512)
def _colours(colour: str) -> bytes:
    """The gmina's colour as variables. A file of its own, since pages carry no style (CSP)."""
    dark = for_dark(colour)
    return (
        f":root{{--gmina:{colour}}}"
        f":root[data-theme=dark]{{--gmina:{dark};--on-gmina:#12181f}}"
        f"@media(prefers-color-scheme:dark){{:root[data-theme=auto]{{--gmina:{dark};--on-gmina:#12181f}}}}"
    ).encode()


def install_static(app: Flask) -> None:
    assets = _read_assets()
    blueprint = Blueprint("assets", __name__)

    @blueprint.get("/static/<fingerprint>/<name>")
    @on_bare_host
    @public("style sheets and scripts are the same for everybody")
    def serve(fingerprint: str, name: str) -> Response:
        asset = assets.get(name)
        if asset is None or asset.fingerprint != fingerprint:
            abort(404)
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        response = Response(asset.packed if packed else asset.plain, content_type=TYPES[name.rpartition(".")[2]])
        response.headers["Cache-Control"] = FOR_EVER
        response.headers["Vary"] = "Accept-Encoding"
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        return response

    @blueprint.get("/static/colour/<colour>.css")
    @on_bare_host
    @public("a colour is no secret")
    def colour(colour: str) -> Response:
        if not re.fullmatch(r"[0-9a-f]{6}", colour):
            abort(404)
        response = Response(_colours(f"#{colour}"), content_type=TYPES["css"])
        response.headers["Cache-Control"] = FOR_EVER
        return response

    addresses = {name: f"/static/{asset.fingerprint}/{name}" for name, asset in assets.items()}
    app.register_blueprint(blueprint)
    app.jinja_env.globals.update(asset=addresses.__getitem__, icon=icon)
    app.extensions["skarbnik-sheet"] = addresses["skarbnik.css"]
    worker = files("skarbnik") / "web" / "assets" / "worker.js"
    app.extensions["skarbnik-worker"] = worker.read_text(encoding="utf-8")
