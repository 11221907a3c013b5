package io.millrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.AggregateFunction;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Each function gives, by adding values and by merging parts, exactly the same bytes of state as
 * the TypeScript version: tests/vectors.
 */
class AggregateVectorsTest {
  @TestFactory
  Stream<DynamicTest> statesAreTheSameBytes() {
    return Vectors.read("aggregates.jsonl")
        .map(v -> DynamicTest.dynamicTest(name(v), () -> check(v)));
  }

  private static String name(JsonNode v) {
    return v.get("function").asText() + "(" + v.get("type").asText() + ") " + v.get("parameter")
        + ", " + v.get("events").size() + " events";
  }

  private static void check(JsonNode vector) {
    Schema schema = new Schema.Parser().parse(vector.get("avro").toString());
    for (JsonNode split : vector.get("splits")) {
      List<RowData> parts = new ArrayList<>();
      AggregateFunction<?, RowData> function = Functions.of(vector);
      for (JsonNode part : split.get("parts")) {
        RowData acc = function.createAccumulator();
        for (JsonNode event : part)
          Functions.accumulate(function, acc, vector, vector.get("events").get(event.asInt()));
        parts.add(acc);
      }
      RowData whole = function.createAccumulator();
      if (parts.size() == 1) whole = parts.get(0);
      else for (RowData part : parts) Functions.merge(function, whole, List.of(part));
      Object value = function.getValue(whole);
      assertEquals(
          split.get("hex").asText(), Vectors.hex(schema, value), split.get("state").toString());
    }
  }
}
