package io.millrace.lookup;

import io.millrace.lookup.LookupException.Code;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.paimon.Snapshot;

/**
 * Handles the requests of one connection, with its table handles. infra/paimon/lookup-protocol.ts
 * describes the protocol.
 */
final class Requests {
  static final int OPEN = 1;
  static final int LOOKUP = 2;
  static final int LOOKUP_AT = 3;
  static final int STATUS = 4;

  private static final int BY_SNAPSHOT = 0;
  private static final int MAX_ENTITIES = 100_000;
  private static final int MAX_HANDLES = 10_000;

  /**
   * Handle numbers are unique over all connections and begin at a random number, so that a handle
   * of a lost connection is unknown to the next one.
   */
  private static final AtomicInteger NEXT_HANDLE = new AtomicInteger(new Random().nextInt(1 << 30));

  private record Handle(FollowedTable table, List<Projection.HopColumns> requested) {}

  private final Catalog catalog;
  private final Stats stats;
  private final Map<Integer, Handle> handles = new HashMap<>();

  Requests(Catalog catalog, Stats stats) {
    this.catalog = catalog;
    this.stats = stats;
  }

  /** @param cold whether files may be read
   * @return false if files must be read and `cold` is false */
  boolean answer(int kind, byte[] body, boolean cold, WireOut out)
      throws IOException, LookupException {
    WireIn in = new WireIn(body);
    return switch (kind) {
      case LOOKUP -> lookup(in, cold, out);
      case LOOKUP_AT -> cold && lookupAt(in, out);
      case OPEN -> cold && open(in, out);
      case STATUS -> status(out);
      default -> throw new BufferUnderflowException();
    };
  }

  private boolean open(WireIn in, WireOut out) throws IOException, LookupException {
    String name = in.text();
    List<Projection.HopColumns> requested = new ArrayList<>();
    for (int hops = in.u32(); hops > 0; hops--)
      requested.add(new Projection.HopColumns(in.whole(), names(in), names(in)));
    FollowedTable table = catalog.open(name);
    try {
      table.read(state -> state.projection(requested));
    } catch (LookupException e) {
      if (e.code != Code.COLUMN_UNKNOWN || !table.isAltered()) throw e;
      table.replace();
      table.read(state -> state.projection(requested));
    }
    int handle;
    synchronized (handles) {
      if (handles.size() >= MAX_HANDLES)
        throw new LookupException(
            Code.TOO_LARGE, "the connection has opened " + MAX_HANDLES + " tables, the limit");
      handle = NEXT_HANDLE.getAndIncrement() & Integer.MAX_VALUE;
      handles.put(handle, new Handle(table, List.copyOf(requested)));
    }
    TableState state = table.state();
    out.u32(handle).u32(0).f64(state.snapshotId).f64(state.commitTime).text(Describe.schema(state));
    return true;
  }

  private static List<String> names(WireIn in) {
    int count = in.u32();
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) names.add(in.text());
    return names;
  }

  private Handle handle(int number) throws LookupException {
    synchronized (handles) {
      Handle handle = handles.get(number);
      if (handle == null)
        throw new LookupException(
            Code.HANDLE_UNKNOWN, "the connection has no open table with the handle " + number);
      return handle;
    }
  }

  private static int entities(WireIn in) throws LookupException {
    int count = in.u32();
    if (count > MAX_ENTITIES)
      throw new LookupException(Code.TOO_LARGE, "the request has " + count + " entities; "
          + "the limit is " + MAX_ENTITIES);
    return count;
  }

  private boolean lookup(WireIn in, boolean cold, WireOut out) throws IOException, LookupException {
    Handle handle = handle(in.u32());
    int count = entities(in);
    in.mark();
    try {
      return written(present(handle, in, count, cold), out);
    } catch (IOException e) {
      // A file may be deleted before the newest snapshots, which no longer need it, are applied.
      Log.error(handle.table.name + ": a lookup failed, loading all files", e);
      in.reset();
      handle.table.replace();
      return written(present(handle, in, count, cold), out);
    }
  }

  private static Answer present(Handle handle, WireIn in, int count, boolean cold)
      throws IOException, LookupException {
    return handle.table.read(
        state -> {
          Projection projection = state.projection(handle.requested);
          Ranges ranges = Ranges.read(in, projection, count);
          Entities entities = Entities.read(in, state, count);
          Answer answer = new Answer(projection, count);
          return state.collect(projection, ranges, entities, cold, answer) ? answer : null;
        });
  }

  private boolean written(Answer answer, WireOut out) {
    if (answer == null) return false;
    stats.tiles.add(answer.tiles());
    answer.write(out);
    return true;
  }

  private boolean lookupAt(WireIn in, WireOut out) throws IOException, LookupException {
    Handle handle = handle(in.u32());
    int count = entities(in);
    int by = in.u32();
    in.u32();
    long at = in.whole();
    // No lock is needed: files of past snapshots and the state's table and shape never change.
    TableState state = handle.table.state();
    Projection projection = state.projection(handle.requested);
    Ranges ranges = Ranges.read(in, projection, count);
    Entities entities = Entities.read(in, state, count);
    var directory = catalog.directory(handle.table.name);
    Snapshot snapshot = by == BY_SNAPSHOT ? PastReader.byId(state, directory, at)
        : PastReader.byTime(state, directory, at);
    Answer answer = new Answer(projection, count);
    PastReader.collect(state, snapshot, projection, ranges, entities, answer);
    return written(answer, out);
  }

  private boolean status(WireOut out) {
    out.text(Describe.status(catalog, stats));
    return true;
  }
}
