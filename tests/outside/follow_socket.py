"""Follows a room's WebSocket with the package `websockets`, across broken connections.

Usage: TOKEN=... follow_socket.py URL LAST

LAST is the number of the message to go on behind. Prints one JSON object a line: `{"opened": true}` for every
connection, and `{"message": ...}` for every message that arrives. Runs until it is killed.
"""

import asyncio
import json
import os
import sys
from importlib.metadata import version

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

# Between two attempts, in seconds.
PAUSE = 0.1


def say(line: dict) -> None:
    print(json.dumps(line), flush=True)


async def follow(url: str, last: int, protocols: list) -> int:
    """Until the connection ends; the last message that came."""
    async with connect(f"{url}?after={last}", subprotocols=protocols, proxy=None) as socket:
        ready = json.loads(await socket.recv())
        if ready != {"type": "ready", "lastSequence": last}:
            sys.exit(f"{ready} does not go on behind {last}")
        say({"opened": True})
        try:
            async for text in socket:
                frame = json.loads(text)
                if frame["type"] == "message":
                    last = frame["message"]["sequenceNumber"]
                    say({"message": frame["message"]})
        except ConnectionClosed:
            pass
    return last


async def main() -> None:
    url, last = sys.argv[1], int(sys.argv[2])
    protocols = ["dorandoran.v1", f"bearer.{os.environ['TOKEN']}"]
    print(f"websockets {version('websockets')}", file=sys.stderr)
    while True:
        try:
            last = await follow(url, last, protocols)
        except (OSError, InvalidHandshake, ConnectionClosed) as error:
            print(f"another attempt after {error!r}", file=sys.stderr)
        await asyncio.sleep(PAUSE)


if __name__ == "__main__":
    asyncio.run(main())
