"""Calls the given address with Feast's own gRPC stubs, and prints the answers as one line of JSON."""
import json
import sys

import grpc
from feast.protos.feast.serving.GrpcServer_pb2 import PushRequest, WriteToOnlineStoreRequest
from feast.protos.feast.serving.GrpcServer_pb2_grpc import GrpcFeatureServerStub
from feast.protos.feast.serving.ServingService_pb2 import (
    FeatureList,
    FieldStatus,
    GetFeastServingInfoRequest,
    GetOnlineFeaturesRequest,
)
from feast.protos.feast.serving.ServingService_pb2_grpc import ServingServiceStub
from feast.protos.feast.types.Value_pb2 import RepeatedValue, Value
from google.protobuf.json_format import MessageToDict

channel = grpc.insecure_channel(sys.argv[1])
serving, server = ServingServiceStub(channel), GrpcFeatureServerStub(channel)


def texts(*values):
    return RepeatedValue(val=[Value(string_val=value) for value in values])


def vectors(answer):
    return {
        name: {
            "values": [MessageToDict(value) for value in vector.values],
            "statuses": [FieldStatus.Name(status) for status in vector.statuses],
            "times": [stamp.ToJsonString() for stamp in vector.event_timestamps],
        }
        for name, vector in zip(answer.metadata.feature_names.val, answer.results)
    }


def refusal(call, request):
    try:
        call(request)
    except grpc.RpcError as error:
        return [error.code().name, error.details()]
    return None


features = FeatureList(val=["airport_delays:departures", "airport_delays:delay_avg", "airport_delays:last_destination"])
answers = {"info": serving.GetFeastServingInfo(GetFeastServingInfoRequest()).version}
answers["features"] = vectors(
    serving.GetOnlineFeatures(GetOnlineFeaturesRequest(features=features, entities={"origin": texts("ATL", "JFK", "XXX")}))
)
by_service = GetOnlineFeaturesRequest(
    feature_service="delay_model",
    entities={"origin": texts("ATL")},
    full_feature_names=True,
    include_feature_view_version_metadata=True,
)
answer = server.GetOnlineFeatures(by_service)
answers["service"] = vectors(answer)
answers["metadata"] = [MessageToDict(view) for view in answer.metadata.feature_view_metadata]
answers["push"] = server.Push(
    PushRequest(
        stream_feature_view="flights",
        typed_features={
            "origin": Value(string_val="SFO"),
            "delay": Value(double_val=3.5),
            "date": Value(unix_timestamp_val=1769860800),
        },
        to="online",
    )
).status
answers["write"] = server.WriteToOnlineStore(
    WriteToOnlineStoreRequest(
        feature_view_name="airport_delays",
        features={"origin": "SFO", "delay": "4.5", "event_timestamp": "2026-01-31T12:00:00"},
    )
).status
answers["written"] = vectors(
    serving.GetOnlineFeatures(GetOnlineFeaturesRequest(features=features, entities={"origin": texts("SFO")}))
)
answers["unknown"] = refusal(
    serving.GetOnlineFeatures, GetOnlineFeaturesRequest(feature_service="nothing", entities={"origin": texts("ATL")})
)
answers["empty"] = refusal(serving.GetOnlineFeatures, GetOnlineFeaturesRequest())
print(json.dumps(answers))
