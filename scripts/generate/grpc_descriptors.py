"""Prints gateways/grpc/descriptors.json, which gRPC reflection serves: every proto file as protoc
compiles it, with its imports and its symbols.

Usage, with grpcio-tools: python scripts/generate/grpc_descriptors.py HEALTH_PROTOS > FILE. A test
compares the file with the output. The descriptors that proto-loader makes do not serve: they name
no imports, so clients cannot link them.
"""

import base64
import json
import os
import sys
import tempfile

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

GATEWAYS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "gateways")
PROTOS = [os.path.join(GATEWAYS, name, "protos") for name in ("grpc", "feast")]
FILES = [
    "millrace/v1/millrace.proto",
    "feast/serving/ServingService.proto",
    "feast/serving/GrpcServer.proto",
    "health/v1/health.proto",
]


def compiled(health):
    bundled = os.path.join(os.path.dirname(protoc.__file__), "_proto")
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "set")
        roots = [f"-I{path}" for path in (*PROTOS, health, bundled)]
        options = ["--include_imports", f"--descriptor_set_out={out}"]
        if protoc.main(["protoc", *roots, *options, *FILES]) != 0:
            raise SystemExit("protoc failed")
        with open(out, "rb") as file:
            return descriptor_pb2.FileDescriptorSet.FromString(file.read())


def symbols(file):
    found = []

    def add(scope, name):
        found.append(f"{scope}.{name}" if scope else name)
        return found[-1]

    def message(scope, one):
        name = add(scope, one.name)
        for part in (*one.field, *one.oneof_decl, *one.extension):
            add(name, part.name)
        for nested in one.nested_type:
            message(name, nested)
        for nested in one.enum_type:
            enum(name, nested)

    def enum(scope, one):
        name = add(scope, one.name)
        for value in one.value:
            add(name, value.name)

    for one in file.message_type:
        message(file.package, one)
    for one in file.enum_type:
        enum(file.package, one)
    for one in file.service:
        name = add(file.package, one.name)
        for method in one.method:
            add(name, method.name)
    return sorted(found)


def described(file):
    return {
        "file": file.name,
        "needs": list(file.dependency),
        "symbols": symbols(file),
        "descriptor": base64.b64encode(file.SerializeToString(deterministic=True)).decode(),
    }


print(json.dumps([described(file) for file in compiled(sys.argv[1]).file], indent=1))
