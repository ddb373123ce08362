"""Reads a service's feed of events with the CloudEvents SDK, as somebody else's consumer would.

Usage: FEED_TOKEN=... cloudevents_feed.py URL SCHEMAS

SCHEMAS is the directory of the JSON Schemas that the events' `dataschema` names. Prints what the SDK understood,
one JSON object an event. Exits with 1 and the reason when an event is not what the specification or its schema
says.
"""

import json
import os
import re
import sys
import urllib.request
from importlib.metadata import version
from pathlib import Path

from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator

BATCH = "application/cloudevents-batch+json"
# https://www.w3.org/TR/trace-context/#traceparent-header, version 00; all zeros are not valid ids.
TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def fetch(url: str, token: str) -> list:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=20) as answer:
        content_type = answer.headers.get_content_type()
        must(content_type == BATCH, f"the content type is {content_type}")
        batch = json.load(answer)
    must(isinstance(batch, list), "the batch is no array")
    return batch


def parse(element: dict):
    """The SDK knows single events: each element of a batch is one in structured mode."""
    body = json.dumps(element).encode()
    event = from_http_event(HTTPMessage({"content-type": JSONFormat.CONTENT_TYPE}, body))
    # Required and optional attributes, their types, and the names of extensions were checked by the SDK.
    must(type(event).__module__ == "cloudevents.core.v1.event", "the SDK takes it for another version")
    sequence, traceparent = event.get_extension("sequence"), event.get_extension("traceparent")
    must(isinstance(sequence, str) and sequence.isdigit() and int(sequence) > 0, f"sequence is {sequence!r}")
    must(isinstance(traceparent, str) and TRACEPARENT.fullmatch(traceparent), f"traceparent is {traceparent!r}")
    must(event.get_subject(), "there is no subject")
    must(event.get_time().utcoffset().total_seconds() == 0, f"time is {event.get_time()}")
    must(event.get_datacontenttype() == "application/json", f"data is {event.get_datacontenttype()}")
    # Only strings: a JSON number would have to fit into 32 bits.
    for name, value in element.items():
        must(name == "data" or isinstance(value, str), f"{name} is {value!r}")
    again = json.loads(to_structured_event(event).body)
    must({**again, "time": element["time"]} == element, f"the SDK writes {again} for {element}")
    return event


def read_schemas(directory: str) -> dict:
    schemas = [json.loads(path.read_text()) for path in Path(directory).glob("*.json")]
    for schema in schemas:
        Draft202012Validator.check_schema(schema)
    formats = Draft202012Validator.FORMAT_CHECKER
    return {schema["$id"]: Draft202012Validator(schema, format_checker=formats) for schema in schemas}


def check_data(event, schemas: dict) -> None:
    schema = schemas.get(event.get_dataschema())
    must(schema, f"nobody describes {event.get_dataschema()}")
    # The path and not the value: data is about people.
    wrong = [f"{error.json_path}: {error.validator}" for error in schema.iter_errors(event.get_data())]
    must(not wrong, f"{event.get_type()} is not as its schema says: {wrong}")


def check_order(events: list) -> None:
    positions = [int(event.get_extension("position")) for event in events]
    must(positions == sorted(set(positions)), f"positions are {positions}")
    identities = {(event.get_source(), event.get_id()) for event in events}
    must(len(identities) == len(events), "source and id together are not unique")
    last = {}
    for event in events:
        sequence = int(event.get_extension("sequence"))
        before = last.get(event.get_subject(), 0)
        must(sequence > before, f"{event.get_subject()} goes from {before} to {sequence}")
        last[event.get_subject()] = sequence


def must(holds, otherwise: str) -> None:
    if not holds:
        sys.exit(f"not as CloudEvents wants it: {otherwise}")


def main() -> None:
    url, directory = sys.argv[1:]
    schemas = read_schemas(directory)
    events = [parse(element) for element in fetch(url, os.environ["FEED_TOKEN"])]
    check_order(events)
    for event in events:
        check_data(event, schemas)
    for event in events:
        read = {
            "id": event.get_id(),
            "source": event.get_source(),
            "type": event.get_type(),
            "subject": event.get_subject(),
            "time": event.get_time().isoformat(),
            "sequence": event.get_extension("sequence"),
            "traceparent": event.get_extension("traceparent"),
            "data": event.get_data(),
        }
        print(json.dumps(read))
    clients = ", ".join(f"{name} {version(name)}" for name in ("cloudevents", "jsonschema"))
    print(f"{len(events)} events read with {clients}", file=sys.stderr)


if __name__ == "__main__":
    main()
