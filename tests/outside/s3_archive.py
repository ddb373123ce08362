"""A store of objects that speaks S3, and a reader of archives that knows nothing of us.

Usage: s3_archive.py BUCKET

Starts moto's server on a free port of loopback, makes the bucket, and says where it listens in a line. Then, for every
line of standard input, which names the directory of an archive, reads its parts with boto3 in the order of their names,
compares them with `manifest.json`, and answers with a line: how many messages there are and their SHA-256. Ends with the
input. Exits with 1 and the reason when anything is not as it should be.
"""

import hashlib
import json
import logging
import sys

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

BUCKET = sys.argv[1]


def must(holds, otherwise) -> None:
    if not holds:
        sys.exit(f"not as an archive should be: {otherwise}")


def read(s3, key: str) -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def check(s3, directory: str) -> str:
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{directory}/")["Contents"]
    names = sorted(one["Key"].removeprefix(f"{directory}/") for one in listed)
    manifest = json.loads(read(s3, f"{directory}/manifest.json"))
    must(names == ["manifest.json", *(part["name"] for part in manifest["parts"])], names)
    whole = hashlib.sha256()
    messages = []
    for part in manifest["parts"]:
        body = read(s3, f"{directory}/{part['name']}")
        whole.update(body)
        must(hashlib.sha256(body).hexdigest() == part["sha256"], part)
        must(len(body) == part["bytes"], part)
        lines = [json.loads(line) for line in body.decode().splitlines()]
        must(len(lines) == part["messages"], part)
        messages += lines
    must(whole.hexdigest() == manifest["sha256"], manifest["sha256"])
    order = [(line["roomId"], line["seq"]) for line in messages]
    must(order == sorted(set(order)), "messages are not in their order, or one is there twice")
    return f"{len(messages)} {whole.hexdigest()}"


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="outside",
        aws_secret_access_key="outside",
        config=Config(proxies={}),
    )
    s3.create_bucket(Bucket=BUCKET)
    print(endpoint, flush=True)
    for line in sys.stdin:
        print(check(s3, line.strip()), flush=True)
    server.stop()


main()
