"""Starts the login.gov.pl simulator: `python plugins/epuap/simulator/main.py --port 8106 --party lipowo.json`.

A program of its own. It shares no code with the plugin, and its cryptography is another library's.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from epuap_simulator.app import make_app
from epuap_simulator.node import Node
from epuap_simulator.parties import Party
from epuap_simulator.people import read_people
from epuap_simulator.signer import read_signer
from werkzeug.serving import make_server


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="login.gov.pl on this machine, with people to be and faults on demand")
    parser.add_argument("--port", type=int, default=8106, help="0 takes a free one; the ready line names it")
    parser.add_argument("--issuer", default="int.login.gov.pl", help="what it calls itself")
    parser.add_argument("--keys", type=Path, help="PEM file of its key and certificate; made when absent")
    parser.add_argument("--people", type=Path, help="JSON with more people to be")
    parser.add_argument(
        "--party",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="JSON of a gmina: issuer, name, acs, signing_certificate, encryption_certificate (PEM); repeatable",
    )
    parser.add_argument("--public-url", help="where a browser reaches it, when not at the address it listens on")
    return parser.parse_args()


def main() -> None:
    if os.environ.get("SKARBNIK_ENV") not in {"demo", "test"}:
        sys.exit(
            "This simulator says that anybody is whoever they click on. It runs with SKARBNIK_ENV=demo or test only."
        )
    arguments = read_arguments()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    node = Node(
        issuer=arguments.issuer,
        signer=read_signer(arguments.keys, arguments.issuer),
        people=read_people(arguments.people),
        public_url=arguments.public_url,
    )
    for path in arguments.party:
        node.add(Party.read(path.read_text(encoding="utf-8")))
    server = make_server("127.0.0.1", arguments.port, make_app(node), threaded=True)
    issuers = ",".join(node.parties) or "-"
    print(f"login.gov.pl simulator ready on http://127.0.0.1:{server.server_port} party {issuers}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
