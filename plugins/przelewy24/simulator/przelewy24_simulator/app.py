"""The web application: the API, the payment page, and the desk where faults are switched."""

from __future__ import annotations

from flask import Flask, Response

from przelewy24_simulator import control, hosted, reports
from przelewy24_simulator.context import Simulator


def make_app(made: Simulator) -> Flask:
    app = Flask(__name__)
    app.extensions["przelewy24_simulator"] = made
    app.json.ensure_ascii = False
    app.json.sort_keys = False
    for room in (reports, hosted, control):  # the reports are a part of the API
        app.register_blueprint(room.blueprint)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-store"
        made.bell.set()
        return response

    return app
