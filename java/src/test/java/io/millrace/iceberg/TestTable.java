package io.millrace.iceberg;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.AppendFiles;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.io.OutputFileFactory;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.types.Types;

/**
 * A table of numbers. Appends are like those of Flink's sink: one file and one snapshot per commit,
 * with the job's name in it.
 */
final class TestTable {
  private static final Schema SCHEMA =
      new Schema(
          Types.NestedField.required(1, "number", Types.LongType.get()),
          Types.NestedField.optional(2, "text", Types.StringType.get()),
          Types.NestedField.optional(
              3, "list", Types.ListType.ofOptional(4, Types.StringType.get())));
  private static final TableIdentifier NAME = TableIdentifier.of("raw", "numbers");

  private TestTable() {}

  static Table open(Path warehouse) {
    var catalog = Catalogs.open("file://" + warehouse);
    return catalog.tableExists(NAME)
        ? catalog.loadTable(NAME)
        : catalog.createTable(
            NAME, SCHEMA, PartitionSpec.unpartitioned(), Map.of("commit.retry.num-retries", "1000",
                "commit.retry.min-wait-ms", "1", "commit.retry.max-wait-ms", "20"));
  }

  static void append(Table table, long number) throws IOException {
    OutputFileFactory files = OutputFileFactory.builderFor(table, 0, System.nanoTime()).build();
    DataWriter<Record> writer =
        Parquet.writeData(files.newOutputFile())
            .schema(SCHEMA)
            .createWriterFunc(GenericParquetWriter::create)
            .withSpec(table.spec())
            .build();
    Record row = GenericRecord.create(SCHEMA);
    row.setField("number", number);
    row.setField("text", number % 3 == 0 ? null : "é" + number);
    row.setField("list", number % 2 == 0 ? null : List.of("a", String.valueOf(number)));
    writer.write(row);
    writer.close();
    AppendFiles append = table.newAppend().appendFile(writer.toDataFile());
    append
        .set("flink.job-id", "job")
        .set("flink.max-committed-checkpoint-id", String.valueOf(number));
    append.commit();
  }

  static List<String> rows(Table table) throws IOException {
    table.refresh();
    List<String> found = new ArrayList<>();
    try (CloseableIterable<Record> rows = IcebergGenerics.read(table).build()) {
      for (Record row : rows) found.add(row.toString());
    }
    found.sort(null);
    return found;
  }
}
