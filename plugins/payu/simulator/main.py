"""Starts the PayU simulator: `python plugins/payu/simulator/main.py --port 8101 --ledger payu.sqlite`.

A program of its own. It shares no code with the plugin, so that one mistake cannot sit on both sides.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from payu_simulator.app import make_app
from payu_simulator.clockwork import Clockwork
from payu_simulator.context import Simulator
from payu_simulator.faults import Faults
from payu_simulator.ledger import Ledger
from payu_simulator.pos import SANDBOX, Pos, put_pos
from werkzeug.serving import make_server


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="PayU REST API 2.1 on this machine, with faults on demand")
    parser.add_argument("--port", type=int, default=8101, help="0 takes a free one; the ready line names it")
    parser.add_argument("--ledger", type=Path, required=True, help="SQLite file, made when absent, kept for ever")
    parser.add_argument(
        "--pos",
        action="append",
        type=Pos.parse,
        metavar="POSID:CLIENT_ID:CLIENT_SECRET:SECOND_KEY:NAME",
        help="repeatable; without it PayU's public sandbox POS 300746",
    )
    parser.add_argument("--time-scale", type=float, default=60.0, help="how many times faster than PayU it waits")
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
    accounts = arguments.pos or [SANDBOX]
    with simulator.ledger.change() as db:
        for pos in accounts:
            put_pos(db, pos)
    server = make_server("127.0.0.1", arguments.port, make_app(simulator), threaded=True)
    Clockwork(simulator).start()
    numbers = ",".join(pos.pos_id for pos in accounts)
    print(f"payu simulator ready on http://127.0.0.1:{server.server_port} pos {numbers}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
