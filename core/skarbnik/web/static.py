"""Static files: fingerprinted by content, compressed once at the start, kept by browsers for a year."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files

import flask_bootstrap
from flask import Blueprint, Flask, Response, abort, request

from skarbnik.web.access import public
from skarbnik.web.frame import on_bare_host

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """One file, as it is and compressed."""

    name: str
    plain: bytes
    packed: bytes
    fingerprint: str


def _read_assets() -> dict[str, Asset]:
    sources = {"bootstrap.css": files(flask_bootstrap).joinpath("static/bootstrap5/css/bootstrap.min.css")}
    for entry in (files("skarbnik") / "web" / "assets").iterdir():
        sources[entry.name] = entry
    assets = {}
    for name, source in sources.items():
        plain = source.read_bytes()
        if name == "bootstrap.css":
            plain = plain.rpartition(b"/*# sourceMappingURL")[0]  # a map that is not served
        fingerprint = hashlib.sha256(plain).hexdigest()[:12]
        assets[name] = Asset(name, plain, gzip.compress(plain, 9), fingerprint)
    return assets


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
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["Vary"] = "Accept-Encoding"
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        return response

    addresses = {name: f"/static/{asset.fingerprint}/{name}" for name, asset in assets.items()}
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = addresses.__getitem__
