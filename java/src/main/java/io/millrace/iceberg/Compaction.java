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
 * Small files of one day become one. Rows stay as they are, so that what is read from their offsets
 * (how far the table reaches) stays too. The commit replaces the files that were read: it is
 * refused where one of them is gone, and made again on top of what others have appended meanwhile.
 */
final class Compaction {
  /**
   * @param minFiles days with at least so many files below `smallBytes`
   * @param maxRows rows rewritten at once, at most about
   */
  record Limits(int minFiles, long smallBytes, long maxRows) {}

  record Done(int replaced, int written) {}

  private static final long FILE_BYTES = 128L << 20;
  /** The writer holds a row group in memory, and shares the heap with the jobs. */
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

  /** Adds each file as it is begun to be known, so that a failure finds what to remove. */
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
