"""Asks for one page over kept-alive connections, as a process of its own. Prints the median seconds of one answer.

python _load.py PORT HOST PATH COOKIES THREADS REQUESTS
"""

from __future__ import annotations

import http.client
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def ask(port: int, path: str, headers: dict[str, str], times: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        taken.append(time.perf_counter() - began)
        assert answer.status == 200, answer.status
    connection.close()
    return taken


def main() -> None:
    port, host, path, cookies, threads, requests = sys.argv[1:]
    headers = {"Host": host, "Cookie": cookies}
    with ThreadPoolExecutor(int(threads)) as pool:
        asked = [pool.submit(ask, int(port), path, headers, int(requests) // int(threads)) for _ in range(int(threads))]
        print(statistics.median(seconds for each in asked for seconds in each.result()))


if __name__ == "__main__":
    main()
