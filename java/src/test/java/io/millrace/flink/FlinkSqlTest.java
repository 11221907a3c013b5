package io.millrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The functions in Flink SQL: registered by class name, with inferred types and a state backend, in
 * one phase and in two (which merges). The results must equal those of direct calls, which other
 * tests compare with the vectors.
 */
class FlinkSqlTest {
  private static final Map<String, String> SQL_TYPES =
      Map.of("string", "STRING", "int", "INT", "long", "BIGINT", "float", "FLOAT", "double",
          "DOUBLE", "boolean", "BOOLEAN", "long[]", "ARRAY<BIGINT>");

  record Setting(String type, String backend, String phases) {}

  static Stream<Setting> settings() {
    return SQL_TYPES.keySet().stream()
        .sorted()
        .flatMap(type -> Stream.of(new Setting(type, "hashmap", "ONE_PHASE"),
            new Setting(type, "rocksdb", "TWO_PHASE")));
  }

  private static TableEnvironment environment(Setting setting) {
    Configuration settings = new Configuration();
    settings.setString("state.backend.type", setting.backend);
    settings.setString("parallelism.default", "2");
    settings.setString(
        "table.exec.mini-batch.enabled", String.valueOf(setting.phases.equals("TWO_PHASE")));
    settings.setString("table.exec.mini-batch.allow-latency", "10 ms");
    settings.setString("table.exec.mini-batch.size", "4");
    settings.setString("table.optimizer.agg-phase-strategy", setting.phases);
    TableEnvironment env = TableEnvironment.create(EnvironmentSettings.newInstance()
        .inStreamingMode().withConfiguration(settings).build());
    Map.of(
            "MR_SUM", "ExactSum", "MR_MOMENTS", "Moments",
            "MR_MIN_TEXT", "TextMin", "MR_MAX_TEXT", "TextMax",
            "MR_FIRST", "FirstK", "MR_LAST", "LastK",
            "MR_COUNTS", "ValueCounts", "MR_HLL", "HyperLogLog")
        .forEach((name, type) -> env.executeSql("CREATE TEMPORARY SYSTEM FUNCTION " + name
            + " AS 'io.millrace.flink." + type + "'"));
    return env;
  }

  private static List<String> calls(String type) {
    List<String> calls =
        new ArrayList<>(List.of("MR_FIRST(v, t, p, o, 1)", "MR_LAST(v, t, p, o, 1)"));
    if (type.endsWith("[]")) return calls;
    calls.addAll(
        List.of(
            "MR_FIRST(v, t, p, o, 3)", "MR_LAST(v, t, p, o, 5)",
            "MR_COUNTS(v, 100)", "MR_COUNTS(v, 4)"));
    // A FLOAT literal loses digits in the planner (see show), and the hash of the other value
    // differs.
    if (!type.equals("float")) calls.addAll(List.of("MR_HLL(v, 4)", "MR_HLL(v, 12)"));
    if (type.equals("double")) calls.addAll(List.of("MR_SUM(v)", "MR_MOMENTS(v)"));
    if (type.equals("string")) calls.addAll(List.of("MR_MIN_TEXT(v)", "MR_MAX_TEXT(v)"));
    calls.add("MR_LAST(v, t, p, o, 2) FILTER (WHERE t < 0)");
    return calls;
  }

  private static JsonNode eventsOf(String type) {
    return Vectors.read("aggregates.jsonl")
        .filter(v -> v.get("type").asText().equals(type) && v.get("events").size() > 1)
        .findFirst()
        .orElseThrow();
  }

  private static String literal(String type, JsonNode value) {
    if (type.endsWith("[]")) {
      List<String> parts = new ArrayList<>();
      value.forEach(v -> parts.add(literal(type.replace("[]", ""), v)));
      return parts.isEmpty() ? "CAST(NULL AS ARRAY<BIGINT>)"
          : "ARRAY[" + String.join(", ", parts) + "]";
    }
    return "CAST('" + value.asText().replace("'", "''") + "' AS " + SQL_TYPES.get(type) + ")";
  }

  @ParameterizedTest
  @MethodSource("settings")
  void theyGiveInSqlWhatTheyGiveByHand(Setting setting) throws Exception {
    JsonNode vector = eventsOf(setting.type);
    List<String> rows = new ArrayList<>();
    int i = 0;
    for (JsonNode e : vector.get("events")) {
      // One null, which every function ignores.
      rows.add("(" + i % 2 + ", " + literal(setting.type, e.get(0)) + ", CAST(" + e.get(1)
          + " AS BIGINT), " + e.get(2) + ", CAST(" + e.get(3) + " AS BIGINT))");
      i++;
    }
    rows.add(
        "(0, CAST(NULL AS " + SQL_TYPES.get(setting.type)
            + "), CAST(1 AS BIGINT), 0, CAST(1 AS BIGINT))");
    TableEnvironment env = environment(setting);
    List<String> calls = calls(setting.type);
    String sql =
        "SELECT k, " + String.join(", ", calls)
            + " FROM (VALUES " + String.join(", ", rows) + ") AS e(k, v, t, p, o) GROUP BY k";
    Map<Integer, Row> last = new HashMap<>();
    try (CloseableIterator<Row> results = env.executeSql(sql).collect()) {
      while (results.hasNext()) {
        Row row = results.next();
        if (row.getKind() != RowKind.DELETE && row.getKind() != RowKind.UPDATE_BEFORE)
          last.put((Integer) row.getField(0), row);
      }
    }
    for (int key = 0; key < 2; key++)
      for (int c = 0; c < calls.size(); c++)
        assertEquals(byHand(setting.type, vector, calls.get(c), key),
            show(last.get(key).getField(c + 1)), calls.get(c) + " of " + key);
  }

  /**
   * The functions in SQL: by class name, over columns and over constants, which the planner folds.
   */
  @Test
  void scalarFunctionsAreFoundAndTyped() throws Exception {
    TableEnvironment env =
        TableEnvironment.create(EnvironmentSettings.newInstance().inBatchMode().build());
    List<String> calls =
        List.of(
            "MR_FINITE(x / y)", "MR_WHOLE(x)", "MR_MOD(x, CAST(2 AS DOUBLE))", "MR_ROUND(x)",
            "MR_TO_INT(x)", "MR_TO_LONG(x)", "MR_TO_FLOAT(x)",
            "MR_TO_TIME(x)", "MR_TO_DATE(x)", "MR_NUMBER_TEXT(x)", "MR_PARSE_NUMBER(s)",
            "MR_PARSE_TIME(s)", "MR_PARSE_DATE(s)",
            "MR_FORMAT_TIME(t)", "MR_FORMAT_DATE(d)", "MR_COMPARE(s, 'a')",
            "MR_STARTS_WITH(s, '2')", "MR_ENDS_WITH(s, '2')",
            "MR_CONTAINS(s, '-')", "MR_REPLACE(s, '-', '$1')", "MR_CONCAT(s, '/', s)", "MR_SUBSTRING(s, CAST(5 AS BIGINT))",
            "MR_SUBSTRING(s, CAST(5 AS BIGINT), CAST(2 AS BIGINT))", "MR_HOUR(t)",
            "MR_MINUTE(t)", "MR_DAY_OF_WEEK(t)",
            "MR_DAY_OF_MONTH(t)", "MR_MONTH(t)", "MR_YEAR(t)", "MR_TRUNCATE(t, 'month')",
            "MR_DD_BUCKET(x, CAST('0.02' AS DOUBLE))", "MR_PLACE_HASH(d, t)",
            "MR_ROUND(CAST('2.5' AS DOUBLE))");
    calls.stream()
        .map(call -> call.substring(3, call.indexOf('(')))
        .distinct()
        .forEach(
            name ->
                env.executeSql(
                    "CREATE TEMPORARY SYSTEM FUNCTION MR_" + name
                        + " AS 'io.millrace.flink.functions."
                        + ScalarVectorsTest.className(name) + "'"));
    String from =
        "(VALUES (CAST('3.5' AS DOUBLE), CAST('0' AS DOUBLE), '2026-01-31', "
            + "CAST(1700000000123 AS BIGINT), 19000)) AS e(x, y, s, t, d)";
    try (CloseableIterator<Row> rows =
        env.executeSql("SELECT " + String.join(", ", calls) + " FROM " + from).collect()) {
      assertEquals(
          "[null, 3, 1.500000000e+00, 4.000000000e+00, 3, 3, 3.5000e+00, 3, 3, 3.5, null, null, "
              + "20484, 2023-11-14T22:13:20.123Z, "
              + "2022-01-08, -47, true, false, true, 2026$101$131, 2026-01-31/2026-01-31, 01-31, 01, 22, 13, "
              + "2, 14, 11, 2023, 1698796800000, 1790, 1507132470, 3.000000000e+00]",
          show(rows.next()));
    }
  }

  private static String byHand(String type, JsonNode vector, String call, int key) {
    String name = call.substring(0, call.indexOf('('));
    String last = call.substring(call.indexOf('(') + 1, call.indexOf(')')).replaceAll(".*, ", "");
    int parameter = last.equals("v") ? 0 : Integer.parseInt(last);
    var subject = ((com.fasterxml.jackson.databind.node.ObjectNode) vector.deepCopy())
        .put("function", name).put("parameter", parameter);
    AggregateFunction<?, RowData> function = Functions.of(subject);
    RowData acc = function.createAccumulator();
    for (int i = key; i < vector.get("events").size() && !call.contains("FILTER"); i += 2) {
      JsonNode event = vector.get("events").get(i);
      if (!(type.endsWith("[]") && event.get(0).isEmpty()))
        Functions.accumulate(function, acc, subject, event);
    }
    Object value = function.getValue(acc);
    if (value instanceof RowData row && name.equals("MR_COUNTS")) {
      String elements = type;
      return "[" + row.getBoolean(0) + ", " + showArray(row.getArray(1), elements) + ", "
          + showArray(row.getArray(2), "long") + "]";
    }
    if (value instanceof RowData row) {
      return name.equals("MR_SUM")
          ? show(Row.of(row.getDouble(0), row.getDouble(1)))
          : show(Row.of(row.getLong(0), row.getDouble(1), row.getDouble(2)));
    }
    if (value instanceof StringData) return value.toString();
    List<String> entries = new ArrayList<>();
    ArrayData array = (ArrayData) value;
    for (int i = 0; i < array.size(); i++) {
      RowData e = array.getRow(i, 4);
      Object kept = RowData.createFieldGetter(logical(type), 3).getFieldOrNull(e);
      entries.add("[" + e.getLong(0) + ", " + e.getInt(1) + ", " + e.getLong(2) + ", "
          + (kept instanceof ArrayData a ? showArray(a, "long") : show(kept)) + "]");
    }
    return "[" + String.join(", ", entries) + "]";
  }

  private static org.apache.flink.table.types.logical.LogicalType logical(String type) {
    return type.endsWith("[]")
        ? new org.apache.flink.table.types.logical.ArrayType(
            Functions.logicalType(type.replace("[]", "")))
        : Functions.logicalType(type);
  }

  private static String showArray(ArrayData array, String type) {
    ArrayData.ElementGetter getter = ArrayData.createElementGetter(Functions.logicalType(type));
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < array.size(); i++) parts.add(show(getter.getElementOrNull(array, i)));
    return "[" + String.join(", ", parts) + "]";
  }

  /**
   * Shows doubles with nine digits, and a sum's two parts as one, because the order in which parts
   * are merged varies.
   */
  private static String show(Object value) {
    if (value instanceof Row row && row.getArity() == 2 && row.getField(0) instanceof Double hi
        && row.getField(1) instanceof Double lo)
      return show(hi + lo);
    if (value instanceof Row row)
      return "[" + Stream.iterate(0, i -> i < row.getArity(), i -> i + 1)
          .map(i -> show(row.getField(i))).collect(Collectors.joining(", ")) + "]";
    if (value instanceof Object[] array)
      return Arrays.stream(array)
          .map(FlinkSqlTest::show)
          .collect(Collectors.joining(", ", "[", "]"));
    if (value instanceof Double d) return String.format("%.9e", d);
    // The planner folds a literal float to seven digits.
    if (value instanceof Float f) return String.format("%.4e", f);
    return String.valueOf(value);
  }
}
