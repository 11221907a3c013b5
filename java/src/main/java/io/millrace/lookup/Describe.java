package io.millrace.lookup;

import org.apache.paimon.types.DataField;

/** Schema and status as JSON, for occasional requests of people and programs. */
final class Describe {
  private Describe() {}

  static String schema(TableState state) {
    StringBuilder json = new StringBuilder("{\"keys\":[");
    fields(json, state.shape.entityFields);
    json.append("],\"columns\":[");
    fields(json, state.shape.rowType.getFields());
    return json.append("],\"tiled\":").append(state.shape.tiled).append(",\"buckets\":")
        .append(state.bucketCount()).append('}').toString();
  }

  private static void fields(StringBuilder json, Iterable<DataField> fields) {
    String comma = "";
    for (DataField field : fields) {
      json.append(comma).append("{\"name\":");
      Json.quote(json, field.name());
      json.append(",\"type\":");
      Json.quote(json, field.type().toString());
      json.append('}');
      comma = ",";
    }
  }

  static String status(Catalog catalog, Stats stats) {
    StringBuilder json = new StringBuilder("{\"tables\":[");
    String comma = "";
    for (FollowedTable table : catalog.tables()) {
      TableState state = table.state();
      json.append(comma).append("{\"table\":");
      Json.quote(json, table.name);
      json.append(",\"snapshot\":").append(state.snapshotId);
      json.append(",\"commitTime\":").append(state.commitTime);
      json.append(",\"buckets\":").append(state.bucketCount());
      json.append(",\"cachedEntities\":").append(state.cachedEntities());
      json.append(",\"cachedTiles\":").append(state.cachedTiles()).append('}');
      comma = ",";
    }
    json.append("],\"requests\":").append(stats.requests.sum());
    json.append(",\"warmRequests\":").append(stats.warm.sum());
    json.append(",\"coldLookups\":").append(stats.coldLookups.sum());
    json.append(",\"tiles\":").append(stats.tiles.sum());
    json.append(",\"requestsPerSecond\":").append(Math.round(stats.rate() * 10) / 10.0);
    json.append(",\"p50Micros\":").append(stats.quantileMicros(0.5));
    json.append(",\"p99Micros\":").append(stats.quantileMicros(0.99));
    json.append(",\"cachedBytes\":").append(stats.cachedBytes.get());
    Runtime jvm = Runtime.getRuntime();
    long heapBytes = jvm.totalMemory() - jvm.freeMemory();
    return json.append(",\"heapBytes\":").append(heapBytes).append('}').toString();
  }
}
