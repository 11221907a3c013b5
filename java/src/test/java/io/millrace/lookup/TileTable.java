package io.millrace.lookup;

import java.io.File;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.paimon.data.BinaryString;
import org.apache.paimon.data.GenericArray;
import org.apache.paimon.data.GenericRow;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.disk.IOManager;
import org.apache.paimon.fs.Path;
import org.apache.paimon.fs.local.LocalFileIO;
import org.apache.paimon.reader.RecordReader;
import org.apache.paimon.schema.Schema;
import org.apache.paimon.schema.SchemaManager;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.table.FileStoreTableFactory;
import org.apache.paimon.table.sink.BatchTableCommit;
import org.apache.paimon.table.sink.BatchTableWrite;
import org.apache.paimon.table.sink.BatchWriteBuilder;
import org.apache.paimon.types.DataTypes;
import org.apache.paimon.types.RowKind;

/**
 * A table of tiles like those that Flink creates and writes, made with Paimon's API. It is also a
 * program for tests in TypeScript.
 */
public final class TileTable {
  static final long HOUR = 3_600_000;

  final File directory;
  final FileStoreTable table;

  TileTable(File warehouse, String name) {
    directory = new File(warehouse, "millrace.db/" + name);
    table = FileStoreTableFactory.create(LocalFileIO.create(), new Path(directory.getPath()));
  }

  static TileTable create(File warehouse, String name, int buckets, Map<String, String> more)
      throws Exception {
    Schema.Builder schema =
        Schema.newBuilder()
            .column("key_user", DataTypes.STRING().notNull())
            .column("key_place", DataTypes.BIGINT().notNull())
            .column("hop_ms", DataTypes.BIGINT().notNull())
            .column("tile_start", DataTypes.BIGINT().notNull())
            .column("newest_event_time", DataTypes.BIGINT().notNull())
            .column("cause_partition", DataTypes.INT().notNull())
            .column("cause_offset", DataTypes.BIGINT().notNull())
            .column("count__n", DataTypes.BIGINT())
            .column("sum__hi", DataTypes.DOUBLE())
            .column("last__texts", DataTypes.ARRAY(DataTypes.STRING().notNull()))
            .column("total__hi", DataTypes.DOUBLE())
            .primaryKey("key_user", "key_place", "hop_ms", "tile_start")
            .option("bucket", String.valueOf(buckets))
            .option("bucket-key", "key_user,key_place")
            .option("merge-engine", "deduplicate")
            .option("changelog-producer", "none")
            .option("file.format", "parquet");
    more.forEach(schema::option);
    Path path = new Path(new File(warehouse, "millrace.db/" + name).getPath());
    new SchemaManager(LocalFileIO.create(), path).createTable(schema.build());
    return new TileTable(warehouse, name);
  }

  static GenericRow tile(String user, long place, long hop, long start, long offset, Double total) {
    return GenericRow.of(
        BinaryString.fromString(user),
        place,
        hop,
        start,
        start + offset % HOUR,
        (int) (offset % 3),
        offset,
        hop == 0 ? null : offset * 2,
        hop == 0 ? null : offset / 3.0,
        hop == 0 ? null : new GenericArray(new Object[] {BinaryString.fromString("\"t" + offset
            + "\u00e9\ud83d\ude00"), BinaryString.fromString("b")}),
        total);
  }

  void write(List<? extends InternalRow> rows) throws Exception {
    write(rows, false);
  }

  void write(List<? extends InternalRow> rows, boolean compact) throws Exception {
    BatchWriteBuilder builder = table.newBatchWriteBuilder();
    try (BatchTableWrite write = builder.newWrite();
        BatchTableCommit commit = builder.newCommit()) {
      write.withIOManager(IOManager.create(System.getProperty("java.io.tmpdir")));
      for (InternalRow row : rows) write.write(row);
      if (compact) for (int b = 0; b < table.schema().numBuckets(); b++)
        write.compact(org.apache.paimon.data.BinaryRow.EMPTY_ROW, b, true);
      commit.commit(write.prepareCommit());
    }
  }

  /** hop/start → offset of an entity's tiles, from a scan of the whole table. */
  Map<String, Map<String, Long>> scan() throws Exception {
    Map<String, Map<String, Long>> found = new HashMap<>();
    var builder = table.newReadBuilder();
    try (RecordReader<InternalRow> reader = builder.newRead()
        .createReader(builder.newScan().plan())) {
      reader.forEachRemaining(
          row ->
              found
                  .computeIfAbsent(row.getString(0) + "/" + row.getLong(1), k -> new HashMap<>())
                  .put(row.getLong(2) + "/" + row.getLong(3), row.getLong(6)));
    }
    return found;
  }

  /** Writes some new and some old tiles of some entities. */
  static List<GenericRow> some(Random random, int rows, int entities, int tiles, long offset) {
    List<GenericRow> out = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      int entity = random.nextInt(entities);
      long hop = random.nextInt(4) == 0 ? 0 : random.nextBoolean() ? HOUR : 24 * HOUR;
      long start = hop == 0 ? 0 : random.nextInt(tiles) * hop;
      GenericRow row = tile("u" + entity, entity % 2, hop, start, offset + i, hop == 0
          ? 1.5 * (offset + i) : null);
      if (random.nextInt(20) == 0) row.setRowKind(RowKind.DELETE);
      out.add(row);
    }
    return out;
  }

  /**
   * {@code create WAREHOUSE TABLE BUCKETS | fill WAREHOUSE TABLE ENTITIES HOURS OFFSET [compact]}:
   * `fill` writes, for each entity e, every hour tile except every seventh, and the all-time tile.
   * The offset of a tile is OFFSET + e.
   */
  public static void main(String[] args) throws Exception {
    File warehouse = new File(args[1]);
    if (args[0].equals("create")) {
      create(
          warehouse,
          args[2],
          Integer.parseInt(args[3]),
          Map.of("num-sorted-run.compaction-trigger", "8"));
      return;
    }
    int entities = Integer.parseInt(args[3]);
    int hours = Integer.parseInt(args[4]);
    long offset = Long.parseLong(args[5]);
    List<GenericRow> rows = new ArrayList<>();
    for (int e = 0; e < entities; e++) {
      for (int hour = 0; hour < hours; hour++) if (hour % 7 != 6)
        rows.add(tile("u" + e, e % 2, HOUR, hour * HOUR, offset + e, null));
      rows.add(tile("u" + e, e % 2, 0, 0, offset + e, 0.5 * (offset + e)));
    }
    new TileTable(warehouse, args[2]).write(rows, args.length > 6);
  }
}
