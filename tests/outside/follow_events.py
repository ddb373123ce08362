"""Follows a room's server-sent events with the client that LaunchDarkly's SDKs use, across broken connections.

Usage: TOKEN=... follow_events.py URL LAST

LAST is the id to go on behind. Prints one JSON object a line: `{"opened": true}` for every connection, and
`{"message": ...}` for every message that arrives. Runs until it is killed; exits with 1 and the reason when it is
refused, or when an answer does not come with the three events of its turn.
"""

import json
import os
import sys
from importlib.metadata import version

from ld_eventsource import SSEClient
from ld_eventsource.actions import Event, Fault, Start
from ld_eventsource.config import ConnectStrategy, ErrorStrategy
from ld_eventsource.errors import HTTPContentTypeError, HTTPStatusError

TURN = ["intimacy_analysis", "vocabulary_extracted", "conversation_complete"]


def say(line: dict) -> None:
    print(json.dumps(line), flush=True)


def must(holds, otherwise) -> None:
    if not holds:
        sys.exit(f"not as an EventSource wants it: {otherwise}")


def read(event: Event, turn: list) -> None:
    """Takes one event; `turn` holds the names of those that the next answer must come with."""
    data = json.loads(event.data)
    if event.event != "message_created":
        turn.append(event.event)
        return
    must(event.id == str(data["sequenceNumber"]), f"the id {event.id} is that of {data['sequenceNumber']}")
    must(turn == (TURN if data["metadata"] else []), f"{turn} came before {data}")
    turn.clear()
    say({"message": data})


def main() -> None:
    url, last = sys.argv[1:]
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    client = SSEClient(
        connect=ConnectStrategy.http(url, headers=headers),
        initial_retry_delay=0.1,
        error_strategy=ErrorStrategy.always_continue(),
        last_event_id=last,
    )
    print(f"launchdarkly-eventsource {version('launchdarkly-eventsource')}", file=sys.stderr)
    turn = []
    for action in client.all:
        if isinstance(action, Start):
            turn.clear()
            say({"opened": True})
        elif isinstance(action, Fault):
            print(f"another attempt after {action.error!r}", file=sys.stderr)
            must(not isinstance(action.error, HTTPContentTypeError), action.error)
            must(not isinstance(action.error, HTTPStatusError) or action.error.status >= 500, action.error)
        elif isinstance(action, Event) and action.event == "message":
            must(json.loads(action.data)["type"] == "ready", f"{action.data} has no name")
        elif isinstance(action, Event):
            read(action, turn)


if __name__ == "__main__":
    main()
