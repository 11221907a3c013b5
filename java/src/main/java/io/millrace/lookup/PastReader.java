package io.millrace.lookup;

import io.millrace.lookup.LookupException.Code;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.paimon.Snapshot;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.predicate.Predicate;
import org.apache.paimon.predicate.PredicateBuilder;
import org.apache.paimon.reader.RecordReader;
import org.apache.paimon.table.source.Split;

/**
 * Lookups at a past snapshot: a filtered read of the buckets of the requested entities. It is
 * slower than a lookup at the newest snapshot, and used for audits and repeated reads.
 */
final class PastReader {
  private PastReader() {}

  /** The snapshot with an id. */
  static Snapshot byId(TableState state, File directory, long id) throws LookupException {
    try {
      return state.table.snapshotManager().tryGetSnapshot(id);
    } catch (FileNotFoundException e) {
      throw unavailable(directory, "snapshot " + id + " is not available");
    }
  }

  /** The newest snapshot committed at or before a time. */
  static Snapshot byTime(TableState state, File directory, long time) throws LookupException {
    long[] ids = FollowedTable.snapshotIds(directory).sorted().toArray();
    int low = 0;
    int high = ids.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      Snapshot snapshot;
      try {
        snapshot = state.table.snapshotManager().tryGetSnapshot(ids[middle]);
      } catch (FileNotFoundException e) {
        // It has expired since it was listed, together with all before it.
        low = middle + 1;
        continue;
      }
      if (snapshot.timeMillis() <= time) low = middle + 1;
      else high = middle;
    }
    if (low == 0) throw unavailable(directory, "no snapshot up to " + time + " ms is available");
    return byId(state, directory, ids[low - 1]);
  }

  private static LookupException unavailable(File directory, String what) {
    long[] ids = FollowedTable.snapshotIds(directory).sorted().toArray();
    String kept = ids.length == 0 ? "none is" : ids[0] + " to " + ids[ids.length - 1] + " are";
    return new LookupException(Code.SNAPSHOT_GONE, what + ": " + kept);
  }

  static void collect(TableState state, Snapshot snapshot, Projection projection, Ranges ranges,
      Entities entities, Answer answer)
      throws IOException, LookupException {
    Map<ByteKey, TileCache.Entity> found = new HashMap<>();
    Map<Integer, List<Object[]>> byBucket = new HashMap<>();
    for (int i = 0; i < entities.size(); i++)
      if (found.putIfAbsent(entities.key(i), new TileCache.Entity(projection.hopCount())) == null)
        byBucket.computeIfAbsent(entities.bucket(i), b -> new ArrayList<>())
            .add(entities.values(i));
    try {
      for (var bucket : byBucket.entrySet())
        read(state, snapshot, projection, ranges, bucket.getKey(), bucket.getValue(), found);
    } catch (FileNotFoundException e) {
      throw new LookupException(
          Code.SNAPSHOT_GONE, "snapshot " + snapshot.id() + " expired while it was read");
    }
    for (int i = 0; i < entities.size(); i++) {
      HopTiles[] hops = found.get(entities.key(i)).hops;
      for (int hop = 0; hop < hops.length; hop++)
        answer.add(hop, hops[hop], ranges.from(hop), ranges.to(hop));
    }
    answer.snapshotId = snapshot.id();
    answer.commitTime = snapshot.timeMillis();
  }

  private static void read(
      TableState state,
      Snapshot snapshot,
      Projection projection,
      Ranges ranges,
      int bucket,
      List<Object[]> keys,
      Map<ByteKey, TileCache.Entity> found)
      throws IOException {
    TableShape shape = state.shape;
    Predicate filter = filter(shape, keys);
    List<Split> splits = state.table.newSnapshotReader().withSnapshot(snapshot).withBucket(bucket)
        .withFilter(filter).read().splits();
    try (RecordReader<InternalRow> reader = state.table.newRead().withFilter(filter)
        .createReader(splits)) {
      reader.forEachRemaining(
          row -> {
            TileCache.Entity entity = found.get(shape.keys.keyOf(row));
            if (entity == null) return;
            int hop = projection.hopOf(shape.hopOf(row));
            if (hop >= 0 && ranges.contains(hop, shape.startOf(row)))
              entity.hops[hop].put(shape.startOf(row), projection.encode(hop, row));
          });
    }
  }

  /** A filter that selects all rows of the entities, and few others. */
  private static Predicate filter(TableShape shape, List<Object[]> keys) {
    PredicateBuilder builder = new PredicateBuilder(shape.rowType);
    List<Predicate> parts = new ArrayList<>();
    for (int i = 0; i < shape.entityFields.size(); i++) {
      int part = i;
      List<Object> values = keys.stream().map(key -> key[part]).distinct().toList();
      parts.add(builder.in(shape.rowType.getFieldIndex(shape.entityFields.get(i).name()), values));
    }
    return PredicateBuilder.and(parts);
  }
}
