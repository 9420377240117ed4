"""TCP between two programs that misbehaves when told to: late, swallowed, cut. For torture, never for production.

`python -m skarbnik.testing.proxy CONTROL NAME=LISTEN:TARGET...` listens at 127.0.0.1 for each name and passes on what
comes. `CONTROL` takes one JSON object a line, the weather of each name: chances from 0 to 1 and seconds,

    {"payu": {"delay": 0.2, "longest": 1.5, "lose_request": 0.02, "lose_reply": 0.02, "reset": 0.01, "patience": 2}}

and answers with one of how often what was done: {"payu delay": 3}. A name that is not mentioned keeps its weather; {}
only asks. What is swallowed is noticed as a broken line after `patience` seconds, as a network notices.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset
PIECE = 64 * 1024


@dataclass(frozen=True)
class Weather:
    """How a line behaves. All chances are for each piece of bytes that comes along."""

    delay: float = 0.0
    longest: float = 0.5
    lose_request: float = 0.0
    lose_reply: float = 0.0
    reset: float = 0.0
    patience: float = 2.0


class Line:
    """One place to listen at, and the program behind it."""

    def __init__(self, name: str, listen: int, target: int) -> None:
        self.name = name
        self.listen = listen
        self.target = target
        self.weather = Weather()
        self.did: Counter[str] = Counter()

    async def serve(self) -> None:
        await asyncio.start_server(self._pass_on, "127.0.0.1", self.listen)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind, ahead = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            cut(writer)
            return
        ways = [
            asyncio.create_task(self._carry(reader, ahead, "lose_request")),
            asyncio.create_task(self._carry(behind, writer, "lose_reply")),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if all(way.result() for way in done):  # one side is through and the other may still have to say something
                await asyncio.wait(ways, timeout=30)
        finally:
            for way in ways:
                way.cancel()
            cut(writer)
            cut(ahead)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, loss: str) -> bool:
        """Pass bytes on until one side ends. False when the line broke."""
        with suppress(OSError):
            while data := await reader.read(PIECE):
                if not await self._survives(loss):
                    return False
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
            return True
        return False

    async def _survives(self, loss: str) -> bool:
        weather = self.weather
        if random.random() < weather.reset:
            self.did[f"{self.name} reset"] += 1
            return False
        if random.random() < getattr(weather, loss):
            self.did[f"{self.name} {loss}"] += 1
            await asyncio.sleep(random.uniform(0.1, weather.patience))
            return False
        if random.random() < weather.delay:
            self.did[f"{self.name} delay"] += 1
            await asyncio.sleep(random.uniform(0.0, weather.longest))
        return True


def cut(writer: asyncio.StreamWriter) -> None:
    """As a machine ends that is switched off."""
    with suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()


async def listen_to_orders(port: int, lines: dict[str, Line]) -> None:
    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while told := await reader.readline():
            for name, words in json.loads(told).items():
                lines[name].weather = Weather(**words)
            did = sum((line.did for line in lines.values()), Counter[str]())
            writer.write(json.dumps(did).encode() + b"\n")
            await writer.drain()
        writer.close()

    await asyncio.start_server(obey, "127.0.0.1", port)


def order(port: int, weather: dict[str, dict[str, float]]) -> Counter[str]:
    """Tell a proxy the weather of its lines; how often it did what since it started."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, connection.makefile("rwb") as file:
        file.write(json.dumps(weather).encode() + b"\n")
        file.flush()
        return Counter(json.loads(file.readline()))


async def main(control: int, routes: list[str]) -> None:
    lines = {}
    for route in routes:
        name, _, ports = route.partition("=")
        listen, target = map(int, ports.split(":"))
        lines[name] = Line(name, listen, target)
        await lines[name].serve()
    await listen_to_orders(control, lines)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
