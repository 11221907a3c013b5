package io.millrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.LogicalType;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * States of several tiles are merged to exactly the same bytes as by the TypeScript version.
 */
class MergedVectorsTest {
  @TestFactory
  Stream<DynamicTest> mergedTilesAreTheSameBytes() {
    return Vectors.read("aggregates.jsonl")
        .filter(vector -> merged(vector) != null)
        .map(vector -> DynamicTest.dynamicTest(name(vector), () -> check(vector)));
  }

  private static String name(JsonNode v) {
    return v.get("function").asText() + "(" + v.get("type").asText() + ") " + v.get("parameter")
        + ", " + v.get("events").size() + " events";
  }

  private static AggregateFunction<?, RowData> merged(JsonNode vector) {
    return switch (vector.get("function").asText()) {
      case "MR_MOMENTS" -> new MergedMoments();
      case "MR_FIRST" -> new MergedFirst(type(vector.get("type").asText()));
      case "MR_LAST" -> new MergedLast(type(vector.get("type").asText()));
      case "MR_HLL" -> new MergedHyperLogLog();
      case "MR_COUNTS" -> new MergedCounts(type(vector.get("type").asText()));
      default -> null;
    };
  }

  private static LogicalType type(String name) {
    return name.endsWith("[]") ? new ArrayType(Functions.logicalType(
        name.substring(0, name.length() - 2)).copy(false)) : Functions.logicalType(name);
  }

  private static void take(AggregateFunction<?, RowData> merged, RowData acc, Object tile,
      int parameter) {
    if (merged instanceof MergedMoments f)
      f.accumulate(acc, ((RowData) tile).getLong(0), ((RowData) tile).getDouble(1),
          ((RowData) tile).getDouble(2));
    else if (merged instanceof MergedCounts f) f.accumulate(acc, (RowData) tile, parameter);
    else if (merged instanceof MergedHyperLogLog f) f.accumulate(acc, (StringData) tile, parameter);
    else ((MergedOrdered) merged).accumulate(acc, (ArrayData) tile, parameter);
  }

  private static void check(JsonNode vector) {
    Schema schema = new Schema.Parser().parse(vector.get("avro").toString());
    int parameter = vector.get("parameter").asInt();
    for (JsonNode split : vector.get("splits")) {
      AggregateFunction<?, RowData> merged = merged(vector);
      RowData whole = merged.createAccumulator();
      for (JsonNode part : split.get("parts")) {
        AggregateFunction<?, RowData> tile = Functions.of(vector);
        RowData acc = tile.createAccumulator();
        for (JsonNode event : part)
          Functions.accumulate(tile, acc, vector, vector.get("events").get(event.asInt()));
        take(merged, whole, tile.getValue(acc), parameter);
      }
      assertEquals(split.get("hex").asText(), Vectors.hex(schema, merged.getValue(whole)),
          split.get("state").toString());
    }
  }
}
