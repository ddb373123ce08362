"""Talks in a room over its WebSocket with the package `websockets`, which knows nothing of us.

Usage: TOKEN=... room_socket.py GATEWAY ROOM SECOND_ROOM FOREIGN_ROOM

GATEWAY is an address like 127.0.0.1:8080. The first two rooms are the learner's and new, the last is somebody else's.
Leaves the first room, and logs the learner out. Exits with 1 and the reason when anything is not as it should be.
"""

import asyncio
import json
import os
import sys
import urllib.request
from contextlib import asynccontextmanager
from importlib.metadata import version

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

GATEWAY, ROOM, SECOND_ROOM, FOREIGN_ROOM = sys.argv[1:]
TOKEN = os.environ["TOKEN"]
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PROTOCOL = "dorandoran.v1"
UNKNOWN_ROOM = "01931f0e-7c5a-7000-8000-0123456789ab"
# Longer than anything takes here, on a busy machine; in seconds.
LIMIT = 90


def must(holds, otherwise) -> None:
    if not holds:
        sys.exit(f"not as a WebSocket of a room should be: {otherwise}")


async def post(path: str) -> dict:
    request = urllib.request.Request(f"http://{GATEWAY}{path}", method="POST", headers=BEARER)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    answer = await asyncio.to_thread(opener.open, request, timeout=LIMIT)
    with answer:
        return json.loads(answer.read() or "null")


@asynccontextmanager
async def entered(room: str = ROOM, query: str = "", **options):
    """A connection, and what `ready` said."""
    options.setdefault("additional_headers", BEARER)
    async with connect(f"ws://{GATEWAY}/ws/chat/{room}{query}", proxy=None, **options) as socket:
        ready = json.loads(await socket.recv())
        must(ready.keys() == {"type", "lastSequence"} and ready["type"] == "ready", ready)
        yield socket, ready["lastSequence"]


async def refused(status: int, **options) -> None:
    try:
        async with entered(**options):
            must(False, f"{options} opened something")
    except InvalidStatus as refusal:
        must(refusal.response.status_code == status, f"{options} is answered {refusal}")


async def send(socket, frame: dict) -> None:
    await socket.send(json.dumps({"type": "send", **frame}))


async def frames(socket, kinds: list) -> list:
    """The next frames of these kinds, in this order; what is only of the moment may come in between."""
    found = []
    async for text in socket:
        frame = json.loads(text)
        if frame["type"] in ("presence", "typing", "read"):
            continue
        must(frame["type"] == kinds[len(found)], f"{kinds[len(found)]} is due, not {frame}")
        found.append(frame)
        if len(found) == len(kinds):
            return found
    raise AssertionError("a connection that was closed ends with an exception")


async def closed(socket, code: int) -> None:
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as end:
        must(end.rcvd and end.rcvd.code == code, f"{code} is due, not {end.rcvd}")


async def ways_in() -> None:
    offered = [PROTOCOL, f"bearer.{TOKEN}"]
    async with entered(subprotocols=offered, additional_headers={}) as (socket, last):
        must((socket.subprotocol, last) == (PROTOCOL, 2), f"{socket.subprotocol} behind {last}")
    ticket = (await post(f"/api/chat/chatrooms/{ROOM}/ticket"))["ticket"]
    with_ticket = {"query": f"?ticket={ticket}", "additional_headers": {}}
    async with entered(**with_ticket) as (_, last):
        must(last == 2, last)
    await refused(401, **with_ticket)
    await refused(401, additional_headers={})
    await refused(401, additional_headers={"Authorization": "Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2ln"})
    await refused(403, room=FOREIGN_ROOM)
    await refused(404, room=UNKNOWN_ROOM)
    await refused(403, origin="https://elsewhere.example")


async def a_talk() -> list:
    """The two messages of a turn."""
    async with entered() as (socket, _), entered() as (other, _):
        await send(socket, {"content": "안녕하세요. 저는 학생이에요.", "clientMessageId": "one"})
        # The sender hears of its own message twice: that it is stored, and as everybody does.
        first, second = [await receive_stored(socket) for _ in range(2)]
        must({first["type"], second["type"]} == {"ack", "message"}, (first, second))
        ack = first if first["type"] == "ack" else second
        said = ack["message"]
        must(ack["clientMessageId"] == "one" and first["message"] == second["message"] == said, (first, second))
        must(said["sequenceNumber"] == 3 and said["senderType"] == "user", said)
        reply = (await frames(socket, ["message"]))[0]["message"]
        must(reply["sequenceNumber"] == 4 and reply["senderType"] == "bot", reply)
        analysis = reply["metadata"]["userMessageAnalysis"]
        must(analysis["userMessageId"] == said["id"], analysis)
        heard = await frames(other, ["message", "message"])
        must([frame["message"] for frame in heard] == [said, reply], f"the other tab hears {heard}")

        await send(socket, {"content": "안녕하세요. 저는 학생이에요.", "clientMessageId": "one"})
        again = (await frames(socket, ["ack"]))[0]
        must(again["message"] == said, f"sent again, it is {again}")
        await send(socket, {"content": "", "clientMessageId": "two"})
        error = (await frames(socket, ["error"]))[0]
        must((error["errorCode"], error["clientMessageId"]) == ("E003", "two"), error)
        await socket.send("[]")
        must((await frames(socket, ["error"]))[0]["errorCode"] == "E002", "that is no frame")
        await (await socket.ping())
    return [said, reply]


async def receive_stored(socket) -> dict:
    while True:
        frame = json.loads(await socket.recv())
        if frame["type"] in ("ack", "message"):
            return frame


async def going_on(stored: list) -> None:
    async with entered(query="?after=3") as (socket, last):
        must(last == 3, last)
        must((await frames(socket, ["message"]))[0]["message"] == stored[1], "the reply follows")
        await socket.send(json.dumps({"type": "resume", "after": 2}))
        resumed = await frames(socket, ["message", "message"])
        must([frame["message"] for frame in resumed] == stored, f"behind 2 there is {resumed}")
    async with entered() as (socket, last), entered() as (other, _):
        must(last == 4, last)
        await socket.send(json.dumps({"type": "typing", "typing": True}))
        while json.loads(await other.recv())["type"] != "typing":
            pass
        await socket.send(json.dumps({"type": "read", "sequence": 4}))
        while json.loads(await other.recv())["type"] != "read":
            pass


async def ends() -> None:
    async with entered() as (socket, _):
        await socket.send(b"not text")
        await closed(socket, 1003)
    async with entered() as (socket, _):
        await send(socket, {"content": "가" * 30_000})
        await closed(socket, 1009)
    async with entered() as (socket, _):
        await post(f"/api/chat/chatrooms/{ROOM}/leave")
        await closed(socket, 4404)
    await refused(404)


async def revoked() -> None:
    async with entered(room=SECOND_ROOM) as (socket, _):
        await post("/api/auth/logout")
        await closed(socket, 4401)
    # The other instances hear of it within a second; whatever one of them still lets in it sends away.
    while True:
        try:
            async with entered(room=SECOND_ROOM) as (socket, _):
                await closed(socket, 4401)
        except InvalidStatus as refusal:
            must(refusal.response.status_code == 401, f"after the logout the answer is {refusal}")
            return


async def main() -> None:
    async with asyncio.timeout(LIMIT):
        await ways_in()
        await going_on(await a_talk())
        await ends()
        await revoked()
    print(f"entered, talked, resumed and was sent away with websockets {version('websockets')}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())
