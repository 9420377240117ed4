"""Lets the demo answer at ::1 as well: `python -m skarbnik.dev.loopback PORT` hands [::1]:PORT to 127.0.0.1:PORT.

Browsers and some systems take *.localhost for ::1 first. The web server listens at one address, and `::` would open
the demo to the network.
"""

from __future__ import annotations

import asyncio
import sys


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()


async def serve(port: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind, to_behind = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(hand_on(reader, to_behind), hand_on(behind, writer))
        for end in (to_behind, writer):
            end.close()

    server = await asyncio.start_server(connected, "::1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
