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
 * What each request does; one a connection, as it knows the connection's handles. The wire's form
 * is in infra/paimon/lookup-protocol.ts.
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
   * Handles are numbered over all connections, from anywhere: one of a connection that is lost is
   * unknown to the next.
   */
  private static final AtomicInteger NEXT_HANDLE = new AtomicInteger(new Random().nextInt(1 << 30));

  private record Handle(FollowedTable table, List<Projection.HopColumns> asked) {}

  private final Catalog catalog;
  private final Stats stats;
  private final Map<Integer, Handle> handles = new HashMap<>();

  Requests(Catalog catalog, Stats stats) {
    this.catalog = catalog;
    this.stats = stats;
  }

  /** @return false where it wants files to be read, which another thread may do with `cold` */
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
    List<Projection.HopColumns> asked = new ArrayList<>();
    for (int hops = in.u32(); hops > 0; hops--)
      asked.add(new Projection.HopColumns(in.whole(), names(in), names(in)));
    FollowedTable table = catalog.open(name);
    try {
      table.read(state -> state.projection(asked));
    } catch (LookupException e) {
      if (e.code != Code.COLUMN_UNKNOWN || !table.isAltered()) throw e;
      table.replace();
      table.read(state -> state.projection(asked));
    }
    int handle;
    synchronized (handles) {
      if (handles.size() >= MAX_HANDLES)
        throw new LookupException(Code.TOO_LARGE, "the connection has opened " + MAX_HANDLES + " tables");
      handle = NEXT_HANDLE.getAndIncrement() & Integer.MAX_VALUE;
      handles.put(handle, new Handle(table, List.copyOf(asked)));
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
      if (handle == null) throw new LookupException(Code.HANDLE_UNKNOWN, "the connection has opened no table as " + number);
      return handle;
    }
  }

  private static int entities(WireIn in) throws LookupException {
    int count = in.u32();
    if (count > MAX_ENTITIES)
      throw new LookupException(Code.TOO_LARGE, "the request has " + count + " entities; "
          + MAX_ENTITIES + " is the most");
    return count;
  }

  private boolean lookup(WireIn in, boolean cold, WireOut out) throws IOException, LookupException {
    Handle handle = handle(in.u32());
    int count = entities(in);
    in.mark();
    try {
      return written(present(handle, in, count, cold), out);
    } catch (IOException e) {
      // A file that the newest snapshots no longer need may be gone before we follow them.
      Log.error(handle.table.name + ": a lookup failed, planning anew", e);
      in.reset();
      handle.table.replace();
      return written(present(handle, in, count, cold), out);
    }
  }

  private static Answer present(Handle handle, WireIn in, int count, boolean cold)
      throws IOException, LookupException {
    return handle.table.read(
        state -> {
          Projection projection = state.projection(handle.asked);
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
    // No lock: what is read is files of the past, and the state's table and shape never change.
    TableState state = handle.table.state();
    Projection projection = state.projection(handle.asked);
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
