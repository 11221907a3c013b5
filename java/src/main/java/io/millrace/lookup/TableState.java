package io.millrace.lookup;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.paimon.Snapshot;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.data.serializer.InternalRowSerializer;
import org.apache.paimon.disk.IOManager;
import org.apache.paimon.io.DataFileMeta;
import org.apache.paimon.reader.RecordReader;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.source.DataSplit;
import org.apache.paimon.table.source.InnerTableRead;

/**
 * The state of a table at one snapshot. It is loaded with all files and then advanced snapshot by
 * snapshot. If that is impossible (a snapshot has expired, the schema has changed, the table was
 * overwritten), it is replaced by a new state.
 */
final class TableState implements AutoCloseable {
  /** the disk limit of a table's local store */
  private static final int DISK_MB = 4096;

  final FileStoreTable table;
  final TableShape shape;
  private final Bucket[] buckets;
  private final IOManager io;
  private final Map<List<Projection.HopColumns>, Projection> projections =
      new ConcurrentHashMap<>();
  private final ThreadLocal<TableShape.Bucketing> bucketing;

  long snapshotId = 0;
  long commitTime = 0;

  private record Change(int bucket, ByteKey key, long hopMs, long start, InternalRow row) {}

  /** The changes of the next snapshot, read before readers are blocked. */
  record Step(Snapshot snapshot, List<Runnable> actions, List<NewFile> files) {}

  record NewFile(Bucket bucket, InternalRow firstKey) {}

  TableState(FileStoreTable given, IOManager io, long cacheBytes, Stats stats)
      throws LookupException {
    int count = Math.max(1, given.schema().numBuckets());
    Map<String, String> options = new HashMap<>();
    options.put("lookup.cache-max-memory-size", Math.max(8, 96 / count) + " mb");
    options.put("lookup.cache-max-disk-size", Math.max(64, DISK_MB / count) + " mb");
    options.put("lookup.cache-file-retention", "12 h");
    options.put("lookup.cache-spill-compression", "none");
    this.table = given.copy(options);
    this.shape = new TableShape(table);
    this.io = io;
    this.buckets = new Bucket[count];
    this.bucketing = ThreadLocal.withInitial(shape::bucketing);
    for (int i = 0; i < count; i++)
      buckets[i] = new Bucket(table, shape, i, io, stats.cachedBytes, cacheBytes, stats);
  }

  /** Loads all files of a snapshot. */
  void load(Snapshot snapshot) {
    Map<Integer, List<DataFileMeta>> files = new HashMap<>();
    for (DataSplit split : table.newSnapshotReader().withSnapshot(snapshot).read().dataSplits())
      files.computeIfAbsent(split.bucket(), b -> new ArrayList<>()).addAll(split.dataFiles());
    files.forEach((bucket, all) -> buckets[bucket].refreshFiles(List.of(), all));
    moved(snapshot);
  }

  /** @return null if all files must be loaded again */
  Step prepare(Snapshot next) throws IOException {
    if (next.schemaId() > shape.schema.id()) return null;
    if (next.commitKind() == Snapshot.CommitKind.OVERWRITE) return null;
    List<Runnable> actions = new ArrayList<>();
    if (next.commitKind() == Snapshot.CommitKind.ANALYZE) return new Step(next, actions, List.of());
    List<NewFile> files = new ArrayList<>();
    for (var given : table.newSnapshotReader().withSnapshot(next).readChanges().splits()) {
      DataSplit split = (DataSplit) given;
      Bucket bucket = buckets[split.bucket()];
      actions.add(() -> bucket.refreshFiles(split.beforeFiles(), split.dataFiles()));
      for (DataFileMeta file : split.dataFiles()) files.add(new NewFile(bucket, file.minKey()));
      // A compaction moves rows and does not change them.
      if (next.commitKind() == Snapshot.CommitKind.APPEND)
        for (Change change : changes(split))
          actions.add(() -> bucket.apply(change.key, change.hopMs, change.start, change.row));
    }
    return new Step(next, actions, files);
  }

  private List<Change> changes(DataSplit split) throws IOException {
    List<Change> changes = new ArrayList<>();
    InternalRowSerializer copier = new InternalRowSerializer(shape.rowType);
    InnerTableRead read = table.newRead().forceKeepDelete();
    try (RecordReader<InternalRow> reader = read.withIOManager(io).createReader(split)) {
      reader.forEachRemaining(
          row ->
              changes.add(
                  new Change(
                      split.bucket(),
                      shape.keys.keyOf(row),
                      shape.hopOf(row),
                      shape.startOf(row),
                      row.getRowKind().isRetract() ? null : copier.copy(row))));
    }
    return changes;
  }

  /** The caller must have excluded all readers. */
  void apply(Step step) {
    for (Runnable action : step.actions) action.run();
    moved(step.snapshot);
  }

  private void moved(Snapshot snapshot) {
    snapshotId = snapshot.id();
    commitTime = snapshot.timeMillis();
  }

  Projection projection(List<Projection.HopColumns> requested) throws LookupException {
    Projection existing = projections.get(requested);
    if (existing != null) return existing;
    Projection made = new Projection(requested, shape.rowType);
    Projection raced = projections.putIfAbsent(requested, made);
    return raced == null ? made : raced;
  }

  int bucketOf(Object[] entity) {
    return bucketing.get().of(entity);
  }

  /** @param cold whether files may be read
   * @return false if tiles are not cached and `cold` is false */
  boolean collect(Projection projection, Ranges ranges, Entities entities, boolean cold,
      Answer answer) throws IOException {
    for (int i = 0; i < entities.size(); i++) {
      Bucket bucket = buckets[entities.bucket(i)];
      if (bucket.collect(projection, ranges, entities.key(i), answer)) continue;
      if (!cold) return false;
      bucket.lookUpAndCollect(projection, ranges, entities.key(i), entities.values(i), answer);
    }
    answer.snapshotId = snapshotId;
    answer.commitTime = commitTime;
    return true;
  }

  int bucketCount() {
    return buckets.length;
  }

  int cachedEntities() {
    int sum = 0;
    for (Bucket bucket : buckets) sum += bucket.cachedEntities();
    return sum;
  }

  long cachedTiles() {
    long sum = 0;
    for (Bucket bucket : buckets) sum += bucket.cachedTiles();
    return sum;
  }

  @Override
  public void close() throws IOException {
    for (Bucket bucket : buckets) bucket.close();
  }
}
