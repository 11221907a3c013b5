"""Has only an address: finds the services by reflection, links them and reads features."""

import json
import sys

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

channel = grpc.insecure_channel(sys.argv[1])
database = ProtoReflectionDescriptorDatabase(channel)
pool = DescriptorPool(database)
services = sorted(database.get_services())
methods = {service: [method.name for method in pool.FindServiceByName(service).methods] for service in services if "reflection" not in service}

read = pool.FindServiceByName("millrace.v1.Features").FindMethodByName("Read")
request = json_format.ParseDict(json.loads(sys.argv[2]), message_factory.GetMessageClass(read.input_type)())
call = channel.unary_unary(
    "/millrace.v1.Features/Read",
    request_serializer=type(request).SerializeToString,
    response_deserializer=message_factory.GetMessageClass(read.output_type).FromString,
)
answer = json_format.MessageToDict(call(request, timeout=10))
print(json.dumps({"services": services, "methods": methods, "answer": answer}))
