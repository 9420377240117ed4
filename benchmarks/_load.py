"""Asks for one page over kept-alive connections, as a process of its own. Prints the median seconds of one answer.

What to ask comes as JSON: port, path, threads, requests, and visitors with their host and cookies.
"""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from random import Random


def ask(port: int, path: str, visitors: Iterable[Mapping[str, str]]) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    taken = []
    for visitor in visitors:
        headers = {"Host": visitor["host"], "Cookie": visitor["cookies"]}
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        taken.append(time.perf_counter() - began)
        assert answer.status == 200, answer.status
    connection.close()
    return taken


def main() -> None:
    told = json.load(sys.stdin)
    each = told["requests"] // told["threads"]
    order = Random(told["requests"])  # the same for both sides
    with ThreadPoolExecutor(told["threads"]) as pool:
        asked = [
            pool.submit(ask, told["port"], told["path"], order.choices(told["visitors"], k=each))
            for _ in range(told["threads"])
        ]
        print(statistics.median(seconds for answers in asked for seconds in answers.result()))


if __name__ == "__main__":
    main()
