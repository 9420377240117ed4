"""Starts the Przelewy24 simulator: `python plugins/przelewy24/simulator/main.py --port 8102 --ledger p24.sqlite`.

A program of its own. It shares no code with the plugin, so that one mistake cannot sit on both sides.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from przelewy24_simulator.app import make_app
from przelewy24_simulator.clockwork import Clockwork
from przelewy24_simulator.context import Simulator
from przelewy24_simulator.faults import Faults
from przelewy24_simulator.ledger import Ledger
from przelewy24_simulator.points import TEST, Point, put_point
from werkzeug.serving import make_server


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Przelewy24 REST API v1 on this machine, with faults on demand")
    parser.add_argument("--port", type=int, default=8102, help="0 takes a free one; the ready line names it")
    parser.add_argument("--ledger", type=Path, required=True, help="SQLite file, made when absent, kept for ever")
    parser.add_argument(
        "--pos",
        action="append",
        type=Point.parse,
        metavar="MERCHANTID:POSID:API_KEY:CRC:NAME",
        help="repeatable; without it one test point, 99001",
    )
    parser.add_argument("--time-scale", type=float, default=60.0, help="how many times faster than Przelewy24 it waits")
    parser.add_argument("--seed", type=int, default=0, help="of the dice behind the faults")
    parser.add_argument("--public-url", help="where a browser reaches it, when not at the address of the API")
    arguments = parser.parse_args()
    if arguments.time_scale <= 0:
        parser.error("--time-scale must be above zero")
    return arguments


def main() -> None:
    arguments = read_arguments()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    simulator = Simulator(
        ledger=Ledger(arguments.ledger),
        faults=Faults(arguments.seed),
        time_scale=arguments.time_scale,
        public_url=arguments.public_url,
    )
    points = arguments.pos or [TEST]
    with simulator.ledger.change() as db:
        for point in points:
            put_point(db, point)
    server = make_server("127.0.0.1", arguments.port, make_app(simulator), threaded=True)
    Clockwork(simulator).start()
    numbers = ",".join(str(point.pos_id) for point in points)
    print(f"przelewy24 simulator ready on http://127.0.0.1:{server.server_port} pos {numbers}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
