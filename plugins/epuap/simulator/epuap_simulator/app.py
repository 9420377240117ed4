"""The web application: the page where somebody says who they are, the two SOAP services, and the desk."""

from __future__ import annotations

import socket
import time
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask, Response, abort, jsonify, redirect, render_template, request

from epuap_simulator.faults import KNOWN
from epuap_simulator.node import LEVELS, Node, Unasked
from epuap_simulator.parties import Party

SSO, ARS = "/login/SingleSignOnService", "/login-services/idpArtifactResolutionService"
SLO = "/login-services/singleLogoutService"


def make_app(node: Node) -> Flask:
    app = Flask(__name__)
    app.json.ensure_ascii = False
    _pages(app, node)
    _services(app, node)
    _desk(app, node)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(Unasked)
    def unasked(error: Unasked) -> tuple[str, int]:
        return render_template("problem.html", text=str(error)), 400

    @app.errorhandler(404)
    def gone(error: Exception) -> tuple[str, int]:
        return render_template("problem.html", text="Tej strony nie ma albo została już użyta."), 404

    return app


def _pages(app: Flask, node: Node) -> None:
    @app.post(SSO)
    def ask() -> Any:
        try:
            token = node.ask(
                request.form.get("SAMLRequest", ""),
                request.form.get("RelayState", ""),
                request.form.get("ForeignAuthentication") == "true",
            )
        except ValueError as error:
            raise Unasked("Żądanie nie jest zapisane w base64.") from error
        return redirect(f"{(node.public_url or request.host_url).rstrip('/')}/login/{token}", 303)

    @app.get("/login/<token>")
    def choose(token: str) -> str:
        question = node.questions.get(token) or abort(404)
        enough = {each.key: LEVELS.index(each.level) >= LEVELS.index(question.level) for each in node.people}
        return render_template("choose.html", question=question, people=node.people, enough=enough)

    @app.post("/login/<token>")
    def chosen(token: str) -> str:
        if token not in node.questions:
            abort(404)
        key, person = request.form.get("person"), None
        if key is not None:
            person = next((each for each in node.people if each.key == key), None) or abort(400)
        failed = request.form.get("action") == "fail"
        question, artifact = node.answer(token, node.people[0] if failed else person, failed=failed)
        return render_template("leave.html", question=question, artifact=artifact, person=person)


def _services(app: Flask, node: Node) -> None:
    @app.post(ARS)
    def resolve() -> Any:
        for fault, status, body in (
            ("error_500", 500, "błąd"),
            ("unauthorized", 403, "kto pyta?"),
            ("nonsense", 200, "<!doctype html><title>Przerwa techniczna</title>"),
            (
                "soap_fault",
                500,
                '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault/></s:Body></s:Envelope>',
            ),
        ):
            if node.faults.hits(fault):
                return Response(body, status, mimetype="text/html" if fault == "nonsense" else "text/xml")
        if node.faults.hits("redirect"):
            return redirect("/_sim/counts", 302)
        if node.faults.hits("drop_resolve"):
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            abort(500)
        if node.faults.hits("slow_resolve"):
            time.sleep(node.faults.values["slow_resolve"])
        return Response(node.resolve(request.get_data()), mimetype="text/xml")

    @app.post(SLO)
    def log_out() -> Response:
        return Response(node.log_out(request.get_data()), mimetype="text/xml")


def _desk(app: Flask, node: Node) -> None:
    @app.get("/")
    def desk() -> str:
        return render_template("desk.html", node=node, known=KNOWN)

    @app.get("/_sim/certificate")
    def certificate() -> Response:
        return Response(node.signer.certificate.public_bytes(Encoding.PEM), mimetype="application/x-pem-file")

    @app.get("/_sim/counts")
    def counts() -> Response:
        return jsonify(node.counts)

    @app.post("/_sim/parties")
    def add_party() -> Any:
        try:
            node.add(Party.read(request.get_data(as_text=True)))
        except (ValueError, KeyError, TypeError):
            return jsonify({"error": "a party has issuer, name, acs, signing_certificate, encryption_certificate"}), 400
        return jsonify({"parties": sorted(node.parties)})

    @app.get("/_sim/faults")
    def read_faults() -> Response:
        return jsonify({"faults": node.faults.left, "known": KNOWN})

    @app.post("/_sim/faults")
    def change_faults() -> Any:
        wish = {"clear": True} if "clear" in request.form else request.form.to_dict() or request.get_json(silent=True)
        if request.form and "next" in request.form:
            wish["next"] = int(request.form["next"])
        try:
            node.faults.put(wish)
        except ValueError as error:
            return jsonify({"error": str(error)}), 400
        return redirect("/", 303) if request.form else read_faults()
