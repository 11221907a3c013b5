package io.millrace.spark;

import io.millrace.join.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * {@code BatchJoin JOB}: runs the joins of one data set, which the file JOB describes
 * (infra/spark/engine.ts). Events get the key of their entity, and are sorted with the rows by key
 * and time: Spark spills what does not fit in memory. So a join holds the windows of one entity.
 */
public final class BatchJoin {
  /** Rows and events of a partition are sorted together: about a hundred bytes each. */
  private static final long PARTITION_ROWS = 1_000_000;
  private static final String[] ORDER = {"key", "ms", "kind", "us", "part", "off"};
  private static final String ROW = "1";
  private static final StructType ROWS =
      StructType.fromDDL("row_no BIGINT, ms BIGINT, key STRING");

  private BatchJoin() {}

  public static void main(String[] args) throws IOException {
    Reports.endWithInput();
    Json job = Json.read(Files.readString(Path.of(args[0])));
    try {
      SparkSession session = SparkSession.builder().appName("millrace-join").getOrCreate();
      Reports reports = new Reports();
      session.sparkContext().addSparkListener(reports);
      int at = 0;
      for (Json join : job.get("joins").list()) {
        reports.begin(at++);
        run(session, join);
      }
      session.stop();
    } catch (Throwable error) {
      Reports.failed(error);
      System.exit(1);
    }
  }

  private static void run(SparkSession session, Json join) {
    StructType sorted = StructType.fromDDL(join.get("sorted").text());
    StructType joined = StructType.fromDDL(join.get("joined").text());
    String plan = join.get("plan").text();
    Dataset<Row> all = session.read().schema(ROWS).parquet(join.get("rows").text())
        .selectExpr(rowColumns(sorted));
    Encoder<Row> ofSorted = Encoders.row(sorted);
    for (Json group : join.get("events").list()) {
      Dataset<Row> events = session.read()
          // Names of folders are no columns.
          .option("recursiveFileLookup", true)
          .parquet(texts(group.get("files")))
          .where(group.get("where").text());
      all = all.union(events.selectExpr(texts(group.get("select")))
          .mapPartitions(new KeyedEvents(plan, sorted), ofSorted));
    }
    int partitions = (int) Math.max(
        session.sparkContext().defaultParallelism(),
        join.get("size").wholeLong() / PARTITION_ROWS + 1);
    all.repartition(partitions, functions.col("key"))
        .sortWithinPartitions(columns(ORDER))
        .mapPartitions(
            new JoinedRows(plan, sorted, join.get("withStatus").isTrue()), Encoders.row(joined))
        .write()
        // Values seldom repeat.
        .option("parquet.enable.dictionary", false)
        .parquet(join.get("output").text());
  }

  /** The columns of a row: its number is in the place of an event's offset. */
  private static String[] rowColumns(StructType sorted) {
    String[] columns = new String[sorted.size()];
    for (int i = 0; i < columns.length; i++) {
      StructField field = sorted.apply(i);
      columns[i] = switch (field.name()) {
        case "key", "ms" -> field.name();
        case "kind" -> "CAST(" + ROW + " AS INT) AS kind";
        case "off" -> "row_no AS off";
        case "us", "part", "time" -> "CAST(0 AS " + field.dataType().sql() + ") AS "
            + field.name();
        default -> "CAST(NULL AS " + field.dataType().sql() + ") AS " + field.name();
      };
    }
    return columns;
  }

  private static Column[] columns(String[] names) {
    Column[] columns = new Column[names.length];
    for (int i = 0; i < names.length; i++) columns[i] = functions.col(names[i]);
    return columns;
  }

  private static String[] texts(Json list) {
    return list.list().stream().map(Json::text).toArray(String[]::new);
  }
}
