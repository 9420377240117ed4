"""The web application: what it publishes, the page where somebody says who they are, tokens, and the desk."""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import unquote_plus, urlencode

from flask import Flask, Response, abort, jsonify, redirect, render_template, request

from oidc_simulator.clients import REALMS, Client, Realm
from oidc_simulator.faults import KNOWN
from oidc_simulator.op import NoToken, Op, Unasked


def make_app(op: Op) -> Flask:
    app = Flask(__name__)
    _published(app, op)
    _pages(app, op)
    _services(app, op)
    _desk(app, op)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(Unasked)
    def unasked(error: Unasked) -> tuple[str, int]:
        return render_template("problem.html", text=str(error)), 400

    @app.errorhandler(NoToken)
    def no_token(error: NoToken) -> Any:
        return jsonify({"error": error.word}), error.status

    @app.errorhandler(404)
    def gone(error: Exception) -> tuple[str, int]:
        return render_template("problem.html", text="Tej strony nie ma albo została już użyta."), 404

    return app


def _realm(path: str) -> Realm:
    return REALMS.get(path) or abort(404)


def _published(app: Flask, op: Op) -> None:
    @app.get("/<path:path>/.well-known/openid-configuration")
    def metadata(path: str) -> Any:
        realm = _realm(path)
        issuer = op.issuer(realm)
        op.count("metadata")
        if op.faults.hits("metadata_500"):
            abort(500)
        if op.faults.hits("metadata_nonsense"):
            return "<!doctype html><title>Przerwa techniczna</title>"
        told = {
            "issuer": "https://obcy.example" if op.faults.hits("metadata_other") else issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "none", "HS256"],
            "code_challenge_methods_supported": ["S256"],
        }
        if op.faults.hits("metadata_leads_away"):
            told["token_endpoint"] = "https://obcy.example/token"
        announced = {"authorization_response_iss_parameter_supported": True} if realm.says_issuer else {}
        text = json.dumps(told | announced)
        if op.faults.hits("metadata_doubled"):
            text = '{"issuer": "https://obcy.example", ' + text[1:]
        return Response(text, mimetype="application/json")

    @app.get("/<path:path>/keys")
    def keys(path: str) -> Any:
        _realm(path)
        op.count("keys")
        if op.faults.hits("keys_500"):
            abort(500)
        found: list[dict[str, str]] = [] if op.faults.hits("keys_none") else op.keys()
        if op.faults.hits("keys_huge"):
            return jsonify({"keys": found, "padding": "x" * 300 * 1024})
        return jsonify({"keys": found})


def _pages(app: Flask, op: Op) -> None:
    @app.get("/<path:path>/authorize")
    def ask(path: str) -> Any:
        return redirect(f"{op.base}/login/{op.ask(_realm(path), request.args)}", 303)

    @app.get("/login/<token>")
    def choose(token: str) -> str:
        question = op.questions.get(token) or abort(404)
        realm = REALMS[question.client.realm]
        people = [each for each in op.people if each.realm == realm.path]
        return render_template("choose.html", question=question, realm=realm, people=people)

    @app.post("/login/<token>")
    def chosen(token: str) -> Any:
        question = op.questions.get(token) or abort(404)
        key, person = request.form.get("person"), None
        if key is not None:
            mine = [each for each in op.people if each.realm == question.client.realm]
            person = next((each for each in mine if each.key == key), None) or abort(400)
        question, back = op.answer(token, person)
        joint = "&" if "?" in question.redirect_uri else "?"
        return redirect(f"{question.redirect_uri}{joint}{urlencode(back)}", 303)


def _services(app: Flask, op: Op) -> None:
    @app.post("/<path:path>/token")
    def token(path: str) -> Any:
        realm = _realm(path)
        if op.faults.hits("error_500"):
            abort(500)
        if op.faults.hits("nonsense"):
            return "<!doctype html><title>Przerwa techniczna</title>"
        if op.faults.hits("redirect"):
            return redirect("/_sim/counts", 302)
        if op.faults.hits("drop"):
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            abort(500)
        if op.faults.hits("slow_token"):
            time.sleep(op.faults.values["slow_token"])
        given = request.authorization
        basic = None
        if given is not None and given.type == "basic":
            basic = (unquote_plus(given.username or ""), unquote_plus(given.password or ""))
        return jsonify(op.redeem(realm, request.form, basic))

    @app.get("/<path:path>/userinfo")
    def userinfo(path: str) -> Any:
        if op.faults.hits("userinfo_500"):
            abort(500)
        given = request.authorization
        access = given.token if given is not None and given.type == "bearer" else None
        told = op.about(_realm(path), access or "")
        return (jsonify(told), 200) if told else (jsonify({"error": "invalid_token"}), 401)


def _desk(app: Flask, op: Op) -> None:
    @app.get("/")
    def desk() -> str:
        return render_template("desk.html", op=op, realms=REALMS, known=KNOWN)

    @app.get("/_sim/counts")
    def counts() -> Response:
        return jsonify(op.counts)

    @app.post("/_sim/clients")
    def add_client() -> Any:
        try:
            op.add(Client.read(request.get_data(as_text=True)))
        except (ValueError, KeyError, TypeError):
            return jsonify(
                {"error": "a client has realm, client_id, name, redirect_uris, and auth with its proof"}
            ), 400
        return jsonify({"clients": sorted(each.client_id for each in op.clients.values())})

    @app.get("/_sim/faults")
    def read_faults() -> Response:
        return jsonify({"faults": op.faults.left, "known": KNOWN})

    @app.post("/_sim/faults")
    def change_faults() -> Any:
        wish: Any = (
            {"clear": True} if "clear" in request.form else request.form.to_dict() or request.get_json(silent=True)
        )
        try:
            if request.form and "next" in request.form:
                wish["next"] = int(request.form["next"])
            op.faults.put(wish)
        except ValueError as error:
            return jsonify({"error": str(error)}), 400
        return redirect("/", 303) if request.form else read_faults()
