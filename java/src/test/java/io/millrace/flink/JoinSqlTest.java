package io.millrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.millrace.join.JoinVectors;
import io.millrace.join.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The join in a batch job of Flink: the entities of a vector together, as infra/flink/sql/join.ts
 * writes the statement. A field's type in SQL is that of the source's table.
 */
class JoinSqlTest {
  /**
   * Views with lists and texts, and with states that are counted; none with floats, of which the
   * planner folds literals to seven digits.
   */
  private static final List<Integer> VECTORS = List.of(10, 11);
  private static final Map<String, String> TYPES = Map.of(
      "string", "STRING", "int", "INT", "long", "BIGINT", "float", "FLOAT", "double", "DOUBLE",
      "boolean", "BOOLEAN", "timestamp", "TIMESTAMP_LTZ(6)", "date", "DATE", "bytes", "BYTES");
  private static final Map<String, String> OUTPUTS = Map.of(
      "number", "DOUBLE", "text", "STRING", "numbers", "ARRAY<DOUBLE>", "texts", "ARRAY<STRING>");

  @TempDir
  Path directory;

  @Test
  void rowsHaveTheValuesOfTheVectors() throws Exception {
    List<Json> vectors = JoinVectors.read().toList();
    List<String> lines = Files.readAllLines(Path.of("../tests/vectors/joins.jsonl"));
    TableEnvironment env =
        TableEnvironment.create(EnvironmentSettings.newInstance().inBatchMode().build());
    env.getConfig().set("parallelism.default", "2");
    env.getConfig().set("table.local-time-zone", "UTC");
    env.executeSql("CREATE TEMPORARY SYSTEM FUNCTION MR_JOIN AS 'io.millrace.flink.Join'");
    env.executeSql("CREATE TEMPORARY SYSTEM FUNCTION MR_JOIN_KEY AS 'io.millrace.flink.JoinKey'");
    for (int number : VECTORS) {
      Path plan = directory.resolve("plan-" + number + ".json");
      Files.writeString(plan, planOf(lines.get(number)));
      check(env, vectors.get(number), plan);
    }
  }

  /** The text of the plan, which a line begins with. */
  private static String planOf(String line) {
    return line.substring("{\"plan\":".length(), line.lastIndexOf(",\"entities\":["));
  }

  private static void check(TableEnvironment env, Json vector, Path plan) throws Exception {
    List<String> types = new ArrayList<>();
    for (Json field : vector.get("plan").get("fields").list()) types.add(sqlType(field));
    Map<Long, Json> expected = new TreeMap<>();
    List<String> events = new ArrayList<>();
    List<String> rows = new ArrayList<>();
    for (Json entity : vector.get("entities").list())
      for (Json step : entity.get("steps").list())
        if (step.get("at").isNull()) events.add(event(step, types));
        else {
          long row = expected.size();
          expected.put(row, step);
          rows.add("(" + text(entity.get("key").text()) + ", " + big(step.get("at")) + ", "
              + big(row) + ")");
        }
    String fields = String.join(", ", names("f", types.size()));
    int outputs = vector.get("plan").get("outputs").list().size();
    String sql = "SELECT o.row_no, " + String.join(", ", columns("o.r.", outputs)) + " FROM ("
        + "SELECT kind, off AS row_no, MR_JOIN(CAST(NULL AS " + shape(vector) + "), ROW(" + fields
        + "), kind, ms, time_ms, part, off, " + text(plan.toString()) + ") OVER (PARTITION BY k "
        + "ORDER BY ms, kind, us, part, off "
        + "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS r FROM ("
        + "SELECT * FROM (SELECT MR_JOIN_KEY(ROW(" + fields + "), part, off, "
        + text(plan.toString()) + ") AS k, ms, 0 AS kind, ms AS us, part, off, time_ms, " + fields
        + " FROM (VALUES " + String.join(", ", events) + ") AS e(ms, time_ms, part, off, " + fields
        + ")) WHERE k IS NOT NULL UNION ALL SELECT k, ms, 1 AS kind, CAST(0 AS BIGINT) AS us, "
        + "0 AS part, off, CAST(0 AS BIGINT) AS time_ms, " + nulls(types) + " FROM (VALUES "
        + String.join(", ", rows) + ") AS q(k, ms, off))) AS o WHERE o.kind = 1";
    Map<Long, Row> found = new TreeMap<>();
    try (CloseableIterator<Row> results = env.executeSql(sql).collect()) {
      while (results.hasNext()) {
        Row row = results.next();
        found.put((Long) row.getField(0), row);
      }
    }
    assertEquals(expected.keySet(), found.keySet());
    expected.forEach((number, step) -> {
      for (int i = 0; i < outputs; i++) {
        assertEquals(written(JoinVectors.plain(step.get("values").get(i).value())),
            plain(found.get(number).getField(1 + i)), "output " + i + " of row " + number);
        assertEquals(step.get("statuses").get(i).whole(),
            found.get(number).getField(1 + outputs + i));
      }
    });
  }

  private static String sqlType(Json field) {
    String type = TYPES.get(field.get("type").get("base").text());
    return field.get("type").get("array").isTrue() ? "ARRAY<" + type + ">" : type;
  }

  private static String event(Json step, List<String> types) {
    List<String> values = new ArrayList<>();
    Json place = step.get("place");
    values.add(big(place.get(0)));
    values.add(big(place.get(1)));
    values.add(String.valueOf(place.get(2).whole()));
    values.add(big(place.get(3)));
    for (int i = 0; i < types.size(); i++)
      values.add(literal(JoinVectors.plain(step.get("event").get(i).value()), types.get(i)));
    return "(" + String.join(", ", values) + ")";
  }

  private static String literal(Object value, String type) {
    if (value == null) return "CAST(NULL AS " + type + ")";
    if (value instanceof List<?> list) {
      String element = type.substring("ARRAY<".length(), type.length() - 1);
      String zero = "CAST('0' AS " + element + ")";
      if (list.isEmpty()) return "ARRAY_REMOVE(ARRAY[" + zero + "], " + zero + ")";
      List<String> items = new ArrayList<>();
      for (Object item : list) items.add(literal(item, element));
      return "ARRAY[" + String.join(", ", items) + "]";
    }
    String sql = switch (type) {
      case "TIMESTAMP_LTZ(6)" -> "TO_TIMESTAMP_LTZ(" + big(((Double) value).longValue()) + ", 3)";
      case "DATE" -> "DATE '" + LocalDate.ofEpochDay(((Double) value).longValue()) + "'";
      case "BYTES" -> "x'" + HexFormat.of().formatHex(
          Base64.getDecoder().decode((String) value)) + "'";
      case "STRING" -> text((String) value);
      case "BOOLEAN" -> String.valueOf(value);
      case "INT", "BIGINT" -> String.valueOf(((Double) value).longValue());
      default -> "'" + value + "'";
    };
    return "CAST(" + sql + " AS " + type + ")";
  }

  private static String shape(Json vector) {
    List<String> fields = new ArrayList<>();
    List<Json> outputs = vector.get("plan").get("outputs").list();
    for (int i = 0; i < outputs.size(); i++)
      fields.add("c" + i + " " + OUTPUTS.get(outputs.get(i).text()));
    for (int i = 0; i < outputs.size(); i++) fields.add("s" + i + " INT");
    return "ROW<" + String.join(", ", fields) + ">";
  }

  private static List<String> names(String prefix, int count) {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) names.add(prefix + i);
    return names;
  }

  private static List<String> columns(String prefix, int outputs) {
    List<String> columns = names(prefix + "c", outputs);
    columns.addAll(names(prefix + "s", outputs));
    return columns;
  }

  private static String nulls(List<String> types) {
    return String.join(", ", types.stream().map(type -> "CAST(NULL AS " + type + ")").toList());
  }

  private static String big(Json value) {
    return big(value.wholeLong());
  }

  private static String big(long value) {
    return "CAST(" + value + " AS BIGINT)";
  }

  private static String text(String value) {
    return "'" + value.replace("'", "''") + "'";
  }

  /** In a list, a boolean is 1 or 0. */
  private static Object written(Object value) {
    if (value instanceof Boolean b) return b ? 1.0 : 0.0;
    return value instanceof List<?> list ? list.stream().map(JoinSqlTest::written).toList() : value;
  }

  private static Object plain(Object value) {
    return value instanceof Object[] array ? Arrays.asList(array) : value;
  }
}
