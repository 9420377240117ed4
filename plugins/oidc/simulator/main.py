"""Starts the OpenID Connect simulator: `python plugins/oidc/simulator/main.py --port 8107 --client lipowo.json`.

A program of its own. It shares no code with the plugin, and signs with another library.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from oidc_simulator.app import make_app
from oidc_simulator.clients import Client
from oidc_simulator.op import Op
from oidc_simulator.people import read_people
from oidc_simulator.signing import read_signer
from werkzeug.serving import make_server


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="OpenID Connect here, with people to be and faults on demand")
    parser.add_argument("--port", type=int, default=8107, help="0 takes a free one; the ready line names it")
    parser.add_argument("--keys", type=Path, help="PEM file of its key; made when absent")
    parser.add_argument("--people", type=Path, help="JSON with more people to be")
    parser.add_argument(
        "--client",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="JSON of a gmina: realm, client_id, name, redirect_uris, auth, secret, public_key; repeatable",
    )
    parser.add_argument("--public-url", help="where it is reached, when not at the address it listens on")
    return parser.parse_args()


def main() -> None:
    if os.environ.get("SKARBNIK_ENV") not in {"demo", "test"}:
        sys.exit(
            "This simulator says that anybody is whoever they click on. It runs with SKARBNIK_ENV=demo or test only."
        )
    arguments = read_arguments()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    op = Op(signer=read_signer(arguments.keys), people=read_people(arguments.people))
    for path in arguments.client:
        op.add(Client.read(path.read_text(encoding="utf-8")))
    server = make_server("127.0.0.1", arguments.port, make_app(op), threaded=True)
    op.base = (arguments.public_url or f"http://127.0.0.1:{server.server_port}").rstrip("/")
    clients = ",".join(sorted(each.client_id for each in op.clients.values())) or "-"
    print(f"OpenID Connect simulator ready on http://127.0.0.1:{server.server_port} clients {clients}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
