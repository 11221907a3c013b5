package io.millrace.iceberg;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.RewriteFiles;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.data.parquet.GenericParquetReaders;
import org.apache.iceberg.data.parquet.GenericParquetWriter;
import org.apache.iceberg.exceptions.CommitStateUnknownException;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.io.OutputFileFactory;
import org.apache.iceberg.parquet.Parquet;

/**
 * Merges the small files of one day into one. The rows do not change, so the table's end offsets,
 * which are read from the rows, do not change either. The commit replaces the files that were read.
 * It is refused if one of them has been removed. If other writers have appended meanwhile, it is
 * repeated on top of their commits.
 */
final class Compaction {
  /**
   * @param minFiles the smallest number of files below `smallBytes` for which a day is compacted
   * @param maxRows the approximate largest number of rows that are rewritten at once
   */
  record Limits(int minFiles, long smallBytes, long maxRows) {}

  record Done(int replaced, int written) {}

  private static final long FILE_BYTES = 128L << 20;
  /** The writer has a row group in memory, and shares the heap with the jobs. */
  private static final String ROW_GROUP_BYTES = String.valueOf(16 << 20);

  private final Table table;

  Compaction(Table table) {
    this.table = table;
  }

  Done run(Limits limits) throws IOException {
    Snapshot from = table.currentSnapshot();
    if (from == null) return new Done(0, 0);
    List<List<DataFile>> days = chosen(from, limits);
    if (days.isEmpty()) return new Done(0, 0);
    List<DataFile> written = new ArrayList<>();
    try {
      for (List<DataFile> day : days) write(day, written);
      RewriteFiles rewrite = table.newRewrite().validateFromSnapshot(from.snapshotId());
      for (List<DataFile> day : days) day.forEach(rewrite::deleteFile);
      written.forEach(rewrite::addFile);
      rewrite.commit();
    } catch (CommitStateUnknownException unknown) {
      throw unknown;
    } catch (IOException | RuntimeException failed) {
      written.forEach(file -> table.io().deleteFile(file.location()));
      throw failed;
    }
    return new Done(days.stream().mapToInt(List::size).sum(), written.size());
  }

  private List<List<DataFile>> chosen(Snapshot from, Limits limits) throws IOException {
    PartitionSpec spec = table.spec();
    Map<String, List<DataFile>> small = new HashMap<>();
    try (CloseableIterable<FileScanTask> tasks = table.newScan().useSnapshot(from.snapshotId())
        .planFiles()) {
      for (FileScanTask task : tasks) {
        DataFile file = task.file();
        if (file.specId() != spec.specId() || !task.deletes().isEmpty()
            || file.fileSizeInBytes() >= limits.smallBytes()) continue;
        small.computeIfAbsent(spec.partitionToPath(file.partition()), day -> new ArrayList<>())
            .add(file);
      }
    }
    List<List<DataFile>> days = new ArrayList<>();
    long rows = 0;
    List<List<DataFile>> fullest = new ArrayList<>(small.values());
    fullest.sort(Comparator.comparingInt((List<DataFile> files) -> files.size()).reversed());
    for (List<DataFile> day : fullest) {
      if (day.size() < limits.minFiles() || rows >= limits.maxRows()) break;
      days.add(day);
      rows += day.stream().mapToLong(DataFile::recordCount).sum();
    }
    return days;
  }

  /**
   * Adds each finished file to `written` at once, so that the caller can remove it after a failure.
   */
  private void write(List<DataFile> day, List<DataFile> written) throws IOException {
    List<DataFile> inOrder = new ArrayList<>(day);
    inOrder.sort(Comparator.comparing(DataFile::fileSequenceNumber)
        .thenComparing(DataFile::location));
    OutputFileFactory files = OutputFileFactory.builderFor(table, 0, System.nanoTime()).build();
    DataWriter<Record> writer = null;
    try {
      for (DataFile file : inOrder)
        try (CloseableIterable<Record> rows = read(file)) {
          for (Record row : rows) {
            if (writer == null) writer = writer(files, file);
            writer.write(row);
          }
          if (writer != null && writer.length() >= FILE_BYTES) writer = close(writer, written);
        }
      if (writer != null) writer = close(writer, written);
    } finally {
      if (writer != null) writer.close();
    }
  }

  private static DataWriter<Record> close(DataWriter<Record> writer, List<DataFile> written)
      throws IOException {
    writer.close();
    written.add(writer.toDataFile());
    return null;
  }

  private CloseableIterable<Record> read(DataFile file) {
    return Parquet.read(table.io().newInputFile(file))
        .project(table.schema())
        .createReaderFunc(shape -> GenericParquetReaders.buildReader(table.schema(), shape))
        .build();
  }

  private DataWriter<Record> writer(OutputFileFactory files, DataFile like) throws IOException {
    return Parquet.writeData(files.newOutputFile(like.partition()))
        .schema(table.schema())
        .createWriterFunc(GenericParquetWriter::create)
        .setAll(table.properties())
        .set(TableProperties.PARQUET_ROW_GROUP_SIZE_BYTES, ROW_GROUP_BYTES)
        .metricsConfig(MetricsConfig.forTable(table))
        .withSpec(table.spec())
        .withPartition(like.partition())
        .build();
  }
}
