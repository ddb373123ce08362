"""Reads what a service has exported with OpenTelemetry's own messages for Python.

Usage: otlp_spans.py FILE...

Each FILE is the body of one `POST /v1/traces`. Prints one JSON object a span. Exits with 1 and the reason when
something is not what the protocol or the semantic conventions say.
"""

import json
import sys
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, SpanFlags, Status

RESOURCE = {"service.name", "service.instance.id", "service.version"}


def value(any_value):
    kind = any_value.WhichOneof("value")
    must(kind in ("string_value", "int_value"), f"a value is of {kind}")
    return getattr(any_value, kind)


def must(holds: bool, otherwise: str) -> None:
    if not holds:
        sys.exit(otherwise)


def check(span: Span) -> dict:
    must(len(span.trace_id) == 16 and any(span.trace_id), "a trace id is not of 16 bytes")
    must(len(span.span_id) == 8 and any(span.span_id), "a span id is not of 8 bytes")
    must(len(span.parent_span_id) in (0, 8), "a parent's id is not of 8 bytes")
    must(0 < span.start_time_unix_nano <= span.end_time_unix_nano, "a span ends before it begins")
    must(span.kind != Span.SPAN_KIND_UNSPECIFIED, "a span is of no kind")
    must(bool(span.name), "a span has no name")
    must(bool(span.flags & SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK), "nothing says where the parent is")
    attributes = {attribute.key: value(attribute.value) for attribute in span.attributes}
    must(len(attributes) == len(span.attributes), f"{span.name} has an attribute twice")
    failed = span.status.code == Status.STATUS_CODE_ERROR
    must(not failed or "error.type" in attributes, f"{span.name} failed of nothing")
    return {
        "trace": span.trace_id.hex(),
        "span": span.span_id.hex(),
        "parent": span.parent_span_id.hex(),
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        "name": span.name,
        "attributes": attributes,
    }


def main(files: list) -> None:
    for file in files:
        request = ExportTraceServiceRequest()
        request.ParseFromString(Path(file).read_bytes())
        for resource_spans in request.resource_spans:
            keys = {attribute.key for attribute in resource_spans.resource.attributes}
            must(keys == RESOURCE, f"the resource has {keys}")
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    print(json.dumps(check(span)))


if __name__ == "__main__":
    main(sys.argv[1:])
