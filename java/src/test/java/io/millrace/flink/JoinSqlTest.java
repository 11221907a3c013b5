package io.millrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.millrace.join.JoinVectors;
import io.millrace.join.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The join in a batch job of Flink: the entities of a vector together, as infra/flink/sql/join.ts
 * writes the statement.
 */
class JoinSqlTest {
  /** A view with lists, texts, times and numbers. */
  private static final int VECTOR = 10;
  private static final Map<String, TypeInformation<?>> TYPES = Map.of(
      "string", Types.STRING, "int", Types.INT, "long", Types.LONG, "float", Types.FLOAT,
      "double", Types.DOUBLE, "boolean", Types.BOOLEAN, "timestamp", Types.INSTANT,
      "date", Types.LOCAL_DATE, "bytes", Types.PRIMITIVE_ARRAY(Types.BYTE));
  private static final Map<String, String> SQL_TYPES = Map.of(
      "string", "STRING", "int", "INT", "long", "BIGINT", "float", "FLOAT", "double", "DOUBLE",
      "boolean", "BOOLEAN", "timestamp", "TIMESTAMP_LTZ(9)", "date", "DATE", "bytes", "BYTES");
  private static final Map<String, String> OUTPUTS = Map.of(
      "number", "DOUBLE", "text", "STRING", "numbers", "ARRAY<DOUBLE>", "texts", "ARRAY<STRING>");
  private static final String[] PLACE = {"ms", "time_ms", "part", "off"};

  @TempDir
  Path directory;

  @Test
  void rowsHaveTheValuesOfTheVectors() throws Exception {
    List<Json> vectors = JoinVectors.read().toList();
    List<String> lines = Files.readAllLines(Path.of("../tests/vectors/joins.jsonl"));
    Path plan = directory.resolve("plan.json");
    Files.writeString(plan, planOf(lines.get(VECTOR)));
    check(vectors.get(VECTOR), plan);
  }

  /** The text of the plan, which a line begins with. */
  private static String planOf(String line) {
    return line.substring("{\"plan\":".length(), line.lastIndexOf(",\"entities\":["));
  }

  private static void check(Json vector, Path plan) throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.setRuntimeMode(RuntimeExecutionMode.BATCH);
    env.setParallelism(2);
    StreamTableEnvironment tables = StreamTableEnvironment.create(env);
    tables.executeSql("CREATE TEMPORARY SYSTEM FUNCTION MR_JOIN AS 'io.millrace.flink.Join'");
    tables.executeSql(
        "CREATE TEMPORARY SYSTEM FUNCTION MR_JOIN_KEY AS 'io.millrace.flink.JoinKey'");
    List<Json> fields = vector.get("plan").get("fields").list();
    Map<Long, Json> expected = new TreeMap<>();
    List<Row> events = new ArrayList<>();
    List<Row> rows = new ArrayList<>();
    for (Json entity : vector.get("entities").list())
      for (Json step : entity.get("steps").list())
        if (step.get("at").isNull()) events.add(event(step, fields));
        else {
          long row = expected.size();
          expected.put(row, step);
          rows.add(Row.of(entity.get("key").text(), step.get("at").wholeLong(), row));
        }
    tables.createTemporaryView("events", env.fromCollection(events, eventType(fields)));
    tables.createTemporaryView("given", env.fromCollection(rows, Types.ROW_NAMED(
        new String[] {"k", "ms", "off"}, Types.STRING, Types.LONG, Types.LONG)));
    Map<Long, Row> found = new TreeMap<>();
    try (CloseableIterator<Row> results = tables.executeSql(sql(vector, plan)).collect()) {
      while (results.hasNext()) {
        Row row = results.next();
        found.put((Long) row.getField(0), row);
      }
    }
    assertEquals(expected.keySet(), found.keySet());
    int outputs = vector.get("plan").get("outputs").list().size();
    expected.forEach((number, step) -> {
      for (int i = 0; i < outputs; i++) {
        assertEquals(written(JoinVectors.plain(step.get("values").get(i).value())),
            plain(found.get(number).getField(1 + i)), "output " + i + " of row " + number);
        assertEquals(step.get("statuses").get(i).whole(),
            found.get(number).getField(1 + outputs + i));
      }
    });
  }

  private static String sql(Json vector, Path plan) {
    int size = vector.get("plan").get("fields").list().size();
    int outputs = vector.get("plan").get("outputs").list().size();
    String fields = String.join(", ", names("f", size));
    List<String> columns = names("o.r.c", outputs);
    columns.addAll(names("o.r.s", outputs));
    String file = "'" + plan + "'";
    return "SELECT o.row_no, " + String.join(", ", columns) + " FROM ("
        + "SELECT kind, off AS row_no, MR_JOIN(CAST(NULL AS " + shape(vector) + "), ROW(" + fields
        + "), kind, ms, time_ms, part, off, " + file + ") OVER (PARTITION BY k "
        + "ORDER BY ms, kind, us, part, off "
        + "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS r FROM ("
        + "SELECT * FROM (SELECT MR_JOIN_KEY(ROW(" + fields + "), part, off, " + file
        + ") AS k, ms, 0 AS kind, ms AS us, part, off, time_ms, " + fields
        + " FROM events) WHERE k IS NOT NULL UNION ALL "
        + "SELECT k, ms, 1 AS kind, CAST(0 AS BIGINT) AS us, 0 AS part, off, "
        + "CAST(0 AS BIGINT) AS time_ms, " + nulls(vector) + " FROM given)) AS o WHERE o.kind = 1";
  }

  private static String nulls(Json vector) {
    List<String> nulls = new ArrayList<>();
    for (Json field : vector.get("plan").get("fields").list()) {
      Json type = field.get("type");
      String sql = SQL_TYPES.get(type.get("base").text());
      nulls.add("CAST(NULL AS " + (type.get("array").isTrue() ? "ARRAY<" + sql + ">" : sql) + ")");
    }
    return String.join(", ", nulls);
  }

  private static TypeInformation<Row> eventType(List<Json> fields) {
    List<TypeInformation<?>> types =
        new ArrayList<>(List.of(Types.LONG, Types.LONG, Types.INT, Types.LONG));
    List<String> names = new ArrayList<>(List.of(PLACE));
    for (int i = 0; i < fields.size(); i++) {
      Json type = fields.get(i).get("type");
      TypeInformation<?> element = TYPES.get(type.get("base").text());
      types.add(type.get("array").isTrue() ? Types.OBJECT_ARRAY(element) : element);
      names.add("f" + i);
    }
    return Types.ROW_NAMED(
        names.toArray(String[]::new), types.toArray(TypeInformation<?>[]::new));
  }

  private static Row event(Json step, List<Json> fields) {
    Row row = new Row(PLACE.length + fields.size());
    Json place = step.get("place");
    row.setField(0, place.get(0).wholeLong());
    row.setField(1, place.get(1).wholeLong());
    row.setField(2, place.get(2).whole());
    row.setField(3, place.get(3).wholeLong());
    for (int i = 0; i < fields.size(); i++)
      row.setField(PLACE.length + i, typed(fields.get(i).get("type").get("base").text(),
          JoinVectors.plain(step.get("event").get(i).value())));
    return row;
  }

  private static Object typed(String base, Object value) {
    if (value instanceof List<?> list)
      return base.equals("string") ? list.toArray(String[]::new) : list.toArray(Double[]::new);
    if (base.equals("bytes") && value != null) return Base64.getDecoder().decode((String) value);
    if (!(value instanceof Double number)) return value;
    return switch (base) {
      case "timestamp" -> Instant.ofEpochMilli(number.longValue());
      case "date" -> LocalDate.ofEpochDay(number.longValue());
      case "int" -> number.intValue();
      case "long" -> number.longValue();
      case "float" -> number.floatValue();
      default -> number;
    };
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

  /** In a list, a boolean is 1 or 0. */
  private static Object written(Object value) {
    if (value instanceof Boolean b) return b ? 1.0 : 0.0;
    return value instanceof List<?> list ? list.stream().map(JoinSqlTest::written).toList() : value;
  }

  private static Object plain(Object value) {
    return value instanceof Object[] array ? Arrays.asList(array) : value;
  }
}
