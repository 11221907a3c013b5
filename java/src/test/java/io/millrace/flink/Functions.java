package io.millrace.flink;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.FloatType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.VarCharType;

/** Calls the functions with the arguments of a vector. */
final class Functions {
  private Functions() {}

  static AggregateFunction<?, RowData> of(JsonNode vector) {
    return switch (vector.get("function").asText()) {
      case "MR_SUM" -> new ExactSum();
      case "MR_MOMENTS" -> new Moments();
      case "MR_MIN_TEXT" -> new TextMin();
      case "MR_MAX_TEXT" -> new TextMax();
      case "MR_FIRST" -> new FirstK();
      case "MR_LAST" -> new LastK();
      case "MR_HLL" -> new HyperLogLog();
      case "MR_COUNTS" -> new ValueCounts(logicalType(vector.get("type").asText()));
      default -> throw new IllegalArgumentException(vector.get("function").asText());
    };
  }

  static LogicalType logicalType(String type) {
    return switch (type) {
      case "string" -> VarCharType.STRING_TYPE;
      case "int", "date" -> new IntType();
      case "long", "timestamp" -> new BigIntType();
      case "float" -> new FloatType();
      case "double" -> new DoubleType();
      case "boolean" -> new BooleanType();
      default -> throw new IllegalArgumentException(type);
    };
  }

  static void accumulate(AggregateFunction<?, RowData> function, RowData acc, JsonNode vector,
      JsonNode event) {
    Object value = value(vector.get("type").asText(), event.get(0));
    int parameter = vector.get("parameter").asInt();
    if (function instanceof ExactSum f) f.accumulate(acc, (Double) value);
    else if (function instanceof Moments f) f.accumulate(acc, (Double) value);
    else if (function instanceof TextExtreme f) f.accumulate(acc, (StringData) value);
    else if (function instanceof ValueCounts f) f.accumulate(acc, value, parameter);
    else if (function instanceof HyperLogLog f) f.accumulate(acc, value, parameter);
    else ((Ordered) function).accumulate(acc, value, event.get(1).asLong(), event.get(2).asInt(),
        event.get(3).asLong(), parameter);
  }

  static void merge(AggregateFunction<?, RowData> function, RowData acc, List<RowData> parts) {
    if (function instanceof ExactSum f) f.merge(acc, parts);
    else if (function instanceof Moments f) f.merge(acc, parts);
    else if (function instanceof TextExtreme f) f.merge(acc, parts);
    else if (function instanceof ValueCounts f) f.merge(acc, parts);
    else if (function instanceof HyperLogLog f) f.merge(acc, parts);
    else ((Ordered) function).merge(acc, parts);
  }

  static Object value(String type, JsonNode given) {
    if (type.endsWith("[]")) {
      Object[] values = new Object[given.size()];
      for (int i = 0; i < values.length; i++)
        values[i] = value(type.substring(0, type.length() - 2), given.get(i));
      return new GenericArrayData(values);
    }
    String text = given.asText();
    return switch (type) {
      case "string" -> StringData.fromString(text);
      case "int", "date" -> Integer.valueOf(text);
      case "long", "timestamp" -> Long.valueOf(text);
      case "float" -> Float.valueOf(text);
      case "double" -> Double.valueOf(text);
      case "boolean" -> Boolean.valueOf(text);
      default -> throw new IllegalArgumentException(type);
    };
  }
}
