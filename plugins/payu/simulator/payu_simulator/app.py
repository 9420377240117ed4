"""The web application: PayU's API, its payment page, and the desk where faults are switched."""

from __future__ import annotations

from uuid import uuid4

from flask import Flask, Response

from payu_simulator import api, control, hosted, oauth
from payu_simulator.context import Simulator


def make_app(made: Simulator) -> Flask:
    app = Flask(__name__)
    app.extensions["payu_simulator"] = made
    app.json.ensure_ascii = False
    app.json.sort_keys = False
    for room in (oauth, api, hosted, control):
        app.register_blueprint(room.blueprint)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["Correlation-Id"] = str(uuid4())
        response.headers["Cache-Control"] = "no-store"
        made.bell.set()
        return response

    return app
