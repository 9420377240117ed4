"""Posts prepared bodies over kept-alive connections, as a process of its own: as fast as they are taken, or at a pace.

What to post comes as JSON: port, path, host, connections, a file with one [headers, body] a line, and perhaps `pace`,
posts a second. Prints JSON: posts a second, the median and the 99th of a hundred of the seconds an answer took. With a
pace an answer's time begins when its post was due, so that one that waits for a slow one before it is not called quick.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from itertools import count
from pathlib import Path
from typing import Any


class Sender:
    """Posts one after another, whichever connection is free."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.posts = [json.loads(line) for line in Path(told["file"]).read_text(encoding="utf-8").splitlines()]
        self.taken = [0.0] * len(self.posts)
        self._next = count()
        self._began = 0.0

    def run(self) -> dict[str, float]:
        threads = [threading.Thread(target=self._connection) for _ in range(self.told["connections"])]
        self._began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lasted = time.perf_counter() - self._began
        ordered = sorted(self.taken)
        assert ordered[0] > 0, "not everything was answered with 200"
        return {
            "rate": len(ordered) / lasted,
            "median": ordered[len(ordered) // 2],
            "p99": ordered[len(ordered) * 99 // 100],
        }

    def _connection(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.told["port"], timeout=30)
        pace = self.told.get("pace")
        while (number := next(self._next)) < len(self.posts):
            headers, body = self.posts[number]
            due = time.perf_counter()
            if pace:
                due = self._began + number / pace
                time.sleep(max(0.0, due - time.perf_counter()))
            connection.request("POST", self.told["path"], body.encode(), {**headers, "Host": self.told["host"]})
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                self.taken[number] = time.perf_counter() - due
        connection.close()


if __name__ == "__main__":
    json.dump(Sender(json.load(sys.stdin)).run(), sys.stdout)
