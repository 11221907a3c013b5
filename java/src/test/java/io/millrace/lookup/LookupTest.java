package io.millrace.lookup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.millrace.lookup.LookupException.Code;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.paimon.data.GenericRow;
import org.apache.paimon.disk.IOManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Lookups by key give the same rows as a scan of the table, over snapshots, compactions, restarts
 * and missed snapshots.
 */
class LookupTest {
  private static final int ENTITIES = 40;
  private static final int TILES = 12;
  private static final long[] HOPS = {TileTable.HOUR, 24 * TileTable.HOUR, 0};

  @TempDir File directory;
  private File warehouse;
  private Stats stats;
  private IOManager io;
  private Catalog catalog;
  private Requests requests;

  @BeforeEach
  void open() {
    warehouse = new File(directory, "warehouse");
    restart();
  }

  private void restart() {
    stats = new Stats();
    io = IOManager.create(new File(directory, "cache").getPath());
    catalog = new Catalog(warehouse, io, 1 << 20, stats);
    requests = new Requests(catalog, stats);
  }

  @AfterEach
  void close() throws Exception {
    catalog.close();
    io.close();
  }

  private ByteBuffer ask(int kind, WireOut body) throws Exception {
    WireOut out = new WireOut();
    assertTrue(requests.answer(kind, Arrays.copyOf(body.array(), body.size()), true, out));
    return ByteBuffer.wrap(out.array(), 0, out.size()).order(ByteOrder.LITTLE_ENDIAN);
  }

  private int openTable(String name) throws Exception {
    WireOut out = new WireOut().text(name).u32(HOPS.length);
    for (long hop : HOPS) {
      out.f64(hop).u32(1).text(hop == 0 ? "total__hi" : "count__n");
      if (hop == 0) out.u32(0);
      else out.u32(1).text("last__texts");
    }
    return ask(Requests.OPEN, out).getInt();
  }

  private static void entitiesAndRanges(WireOut out, int from, int to) {
    for (long hop : HOPS) out.f64(hop * from).f64(hop * to);
    for (int e = 0; e < ENTITIES; e++) out.text("u" + e).f64(e % 2);
  }

  private Map<String, Map<String, Long>> lookUp(int handle, int from, int to) throws Exception {
    WireOut out = new WireOut().u32(handle).u32(ENTITIES);
    entitiesAndRanges(out, from, to);
    return parse(ask(Requests.LOOKUP, out));
  }

  private Map<String, Map<String, Long>> lookUpAt(int handle, int by, double at) throws Exception {
    WireOut out = new WireOut().u32(handle).u32(ENTITIES).u32(by).u32(0).f64(at);
    entitiesAndRanges(out, 0, TILES);
    return parse(ask(Requests.LOOKUP_AT, out));
  }

  /** entity → hop/start → offset, as a scan gives it. Numbers and texts are also checked. */
  private static Map<String, Map<String, Long>> parse(ByteBuffer answer) {
    answer.getDouble();
    answer.getDouble();
    int entities = answer.getInt();
    int hops = answer.getInt();
    int[] counts = new int[entities * hops];
    for (int i = 0; i < counts.length; i++) counts[i] = answer.getInt();
    answer.position((answer.position() + 7) / 8 * 8);
    Map<String, Map<String, Long>> found = new HashMap<>();
    java.util.List<Long> withRefs = new java.util.ArrayList<>();
    for (int i = 0; i < counts.length; i++)
      for (int tile = 0; tile < counts[i]; tile++) {
        long start = (long) answer.getDouble();
        long newest = (long) answer.getDouble();
        int partition = (int) answer.getDouble();
        long offset = (long) answer.getDouble();
        double number = answer.getDouble();
        long hop = HOPS[i % hops];
        assertEquals(start + offset % TileTable.HOUR, newest);
        assertEquals(offset % 3, partition);
        assertEquals(hop == 0 ? 1.5 * offset : 2 * offset, number);
        if (hop != 0) withRefs.add(offset);
        int e = i / hops;
        found.computeIfAbsent("u" + e + "/" + e % 2, k -> new HashMap<>())
            .put(hop + "/" + start, offset);
      }
    int[] lengths = withRefs.stream().mapToInt(o -> answer.getInt()).toArray();
    for (int i = 0; i < lengths.length; i++) {
      byte[] text = new byte[lengths[i]];
      answer.get(text);
      assertEquals(
          "[[\"\\\"t" + withRefs.get(i) + "\u00e9\\ud83d\\ude00\",\"b\"]]",
          new String(text, java.nio.charset.StandardCharsets.UTF_8));
    }
    assertEquals(0, answer.remaining());
    return found;
  }

  private static Map<String, Map<String, Long>> within(Map<String, Map<String, Long>> all, int from,
      int to) {
    Map<String, Map<String, Long>> out = new HashMap<>();
    all.forEach(
        (entity, tiles) ->
            tiles.forEach(
                (tile, offset) -> {
                  String[] parts = tile.split("/");
                  long hop = Long.parseLong(parts[0]);
                  long start = Long.parseLong(parts[1]);
                  if (hop == 0 || (start >= from * hop && start <= to * hop))
                    out.computeIfAbsent(entity, k -> new HashMap<>()).put(tile, offset);
                }));
    return out;
  }

  @Test
  void lookupsEqualAScanOverSnapshotsAndCompactions() throws Exception {
    TileTable table =
        TileTable.create(
            warehouse, "features_v_g1", 2, Map.of("num-sorted-run.compaction-trigger", "3"));
    int handle = openTable("features_v_g1");
    assertEquals(Map.of(), lookUp(handle, 0, TILES));
    Random random = new Random(7);
    for (int round = 0; round < 25; round++) {
      table.write(TileTable.some(random, 1 + random.nextInt(200), ENTITIES, TILES, round * 1000L),
          random.nextInt(5) == 0);
      catalog.follow(Runnable::run);
      var scanned = table.scan();
      int from = random.nextInt(TILES);
      int to = from + random.nextInt(TILES - from);
      assertEquals(within(scanned, from, to), lookUp(handle, from, to), "round " + round
          + ", tiles " + from + " to " + to);
      assertEquals(within(scanned, 0, TILES), lookUp(handle, 0, TILES), "round " + round);
      if (round == 12) {
        close();
        restart();
        handle = openTable("features_v_g1");
      }
    }
  }

  @Test
  void whatIsKnownNeedsNoFilesEvenAfterANewSnapshot() throws Exception {
    TileTable table = TileTable.create(warehouse, "t", 2, Map.of());
    Random random = new Random(1);
    table.write(TileTable.some(random, 500, ENTITIES, TILES, 0));
    int handle = openTable("t");
    lookUp(handle, 0, TILES);
    long cold = stats.coldLookups.sum();
    table.write(TileTable.some(random, 100, ENTITIES, TILES, 1000));
    catalog.follow(Runnable::run);
    assertEquals(table.scan(), lookUp(handle, 0, TILES));
    assertEquals(cold, stats.coldLookups.sum());
  }

  @Test
  void answersThatRaceWithNewSnapshotsStandAtOneEach() throws Exception {
    TileTable table =
        TileTable.create(
            warehouse, "t", 2, Map.of("num-sorted-run.compaction-trigger", "3"));
    Random random = new Random(11);
    table.write(TileTable.some(random, 300, ENTITIES, TILES, 0));
    int handle = openTable("t");
    var seen = new java.util.concurrent.ConcurrentHashMap<Map<String, Map<String, Long>>, Long>();
    var done = new java.util.concurrent.atomic.AtomicBoolean(false);
    var pool = java.util.concurrent.Executors.newFixedThreadPool(3);
    List<java.util.concurrent.Future<?>> readers = new java.util.ArrayList<>();
    for (int reader = 0; reader < 3; reader++) {
      readers.add(
          pool.submit(
              () -> {
                while (!done.get()) {
                  WireOut out = new WireOut().u32(handle).u32(ENTITIES);
                  entitiesAndRanges(out, 0, TILES);
                  ByteBuffer answer = ask(Requests.LOOKUP, out);
                  long snapshot = (long) answer.getDouble(0);
                  Long other = seen.putIfAbsent(parse(answer), snapshot);
                  assertTrue(other == null || Math.abs(other - snapshot) <= 2, "snapshots " + other
                      + " and " + snapshot);
                }
                return null;
              }));
    }
    for (int round = 1; round <= 15; round++) {
      table.write(TileTable.some(random, 60, ENTITIES, TILES, round * 1000L), round % 4 == 0);
      catalog.follow(Runnable::run);
    }
    done.set(true);
    for (var reader : readers) reader.get();
    pool.shutdown();
    assertTrue(seen.size() > 3, seen.size() + " snapshots were seen");
    for (var entry : seen.entrySet())
      assertEquals(
          lookUpAt(handle, 0, entry.getValue()), entry.getKey(), "snapshot " + entry.getValue());
  }

  @Test
  void expiredSnapshotsAreSteppedOver() throws Exception {
    TileTable table =
        TileTable.create(
            warehouse, "t", 1, Map.of("snapshot.num-retained.min", "1", "snapshot.num-retained.max",
                "2", "snapshot.time-retained", "1 ms"));
    Random random = new Random(3);
    table.write(TileTable.some(random, 100, ENTITIES, TILES, 0));
    int handle = openTable("t");
    lookUp(handle, 0, TILES);
    for (int i = 1; i < 12; i++)
      table.write(TileTable.some(random, 50, ENTITIES, TILES, i * 1000L), i % 4 == 0);
    for (int i = 0; i < 20; i++) catalog.follow(Runnable::run);
    assertEquals(table.scan(), lookUp(handle, 0, TILES));
    assertEquals(Code.SNAPSHOT_GONE,
        assertThrows(LookupException.class, () -> lookUpAt(handle, 0, 1)).code);
    assertEquals(Code.SNAPSHOT_GONE,
        assertThrows(LookupException.class, () -> lookUpAt(handle, 1, 1000)).code);
  }

  @Test
  void thePastIsAsItWas() throws Exception {
    TileTable table = TileTable.create(warehouse, "t", 2, Map.of());
    Random random = new Random(5);
    int handle = openTable("t");
    Map<Long, Map<String, Map<String, Long>>> history = new HashMap<>();
    Map<Long, Long> times = new HashMap<>();
    for (int i = 0; i < 6; i++) {
      table.write(TileTable.some(random, 80, ENTITIES, TILES, i * 1000L), i == 3);
      var snapshot = table.table.snapshotManager().latestSnapshot();
      history.put(snapshot.id(), table.scan());
      times.put(snapshot.id(), snapshot.timeMillis());
      Thread.sleep(5);
    }
    for (long id : history.keySet()) {
      assertEquals(history.get(id), lookUpAt(handle, 0, id));
      assertEquals(history.get(id), lookUpAt(handle, 1, times.get(id) + 1));
    }
  }

  @Test
  void absentTablesAndColumnsAreSaidToBeSo() throws Exception {
    assertEquals(
        Code.NOT_FOUND, assertThrows(LookupException.class, () -> openTable("nothing")).code);
    TileTable.create(warehouse, "t", 1, Map.of());
    WireOut out = new WireOut().text("t").u32(1).f64(0).u32(1).text("nonesuch").u32(0);
    assertEquals(Code.COLUMN_UNKNOWN,
        assertThrows(LookupException.class, () -> ask(Requests.OPEN, out)).code);
    assertThrows(java.nio.BufferUnderflowException.class,
        () -> ask(Requests.LOOKUP, new WireOut().u8(3)));
  }

  @Test
  void tablesThatCannotBeLookedUpRightAreRefused() throws Exception {
    TileTable.create(warehouse, "merging", 1, Map.of("merge-engine", "partial-update"));
    TileTable.create(warehouse, "hiding", 1, Map.of("changelog-producer", "lookup"));
    TileTable.create(warehouse, "scattered", 2, Map.of("bucket-key", "key_user,tile_start"));
    for (String name : List.of("merging", "hiding", "scattered"))
      assertEquals(Code.UNSUPPORTED,
          assertThrows(LookupException.class, () -> openTable(name), name).code, name);
  }

  @Test
  void theCacheStaysWithinItsBytes() throws Exception {
    TileTable table = TileTable.create(warehouse, "t", 1, Map.of());
    List<GenericRow> rows = new java.util.ArrayList<>();
    for (int e = 0; e < 3000; e++) for (int hour = 0; hour < 5; hour++)
      rows.add(TileTable.tile("u" + e, e % 2, TileTable.HOUR, hour * TileTable.HOUR, e, null));
    table.write(rows);
    int handle = openTable("t");
    WireOut out = new WireOut().u32(handle).u32(3000);
    for (long hop : HOPS) out.f64(0).f64(hop * 5);
    for (int e = 0; e < 3000; e++) out.text("u" + e).f64(e % 2);
    ask(Requests.LOOKUP, out);
    assertTrue(stats.cachedBytes.get() <= 1 << 20, stats.cachedBytes + " bytes");
    assertTrue(stats.cachedBytes.get() > 1 << 19, stats.cachedBytes + " bytes");
  }
}
