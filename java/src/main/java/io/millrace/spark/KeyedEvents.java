package io.millrace.spark;

import io.millrace.join.JoinedView;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;

/**
 * Events that count, with the key of their entity: from the columns us, part, off, time (µs) and
 * the values, those of {@link Sorted}.
 */
final class KeyedEvents implements MapPartitionsFunction<Row, Row> {
  private static final int US = 0;
  private static final int PART = 1;
  private static final int OFF = 2;
  private static final int TIME = 3;
  private static final int FIELDS = 4;
  private static final long US_PER_MS = 1000;
  private static final int EVENT = 0;

  private final String plan;
  private final boolean[] lists;

  KeyedEvents(String plan, StructType sorted) {
    this.plan = plan;
    this.lists = Sorted.lists(sorted);
  }

  @Override
  public Iterator<Row> call(Iterator<Row> events) {
    return new Keyed(events, new JoinedView(plan), lists);
  }

  private static final class Keyed implements Iterator<Row> {
    private final Iterator<Row> events;
    private final JoinedView view;
    private final boolean[] lists;
    private final Object[] values;
    private Row next;

    Keyed(Iterator<Row> events, JoinedView view, boolean[] lists) {
      this.events = events;
      this.view = view;
      this.lists = lists;
      this.values = new Object[lists.length];
    }

    @Override
    public boolean hasNext() {
      while (next == null && events.hasNext()) next = keyed(events.next());
      return next != null;
    }

    @Override
    public Row next() {
      if (!hasNext()) throw new NoSuchElementException();
      Row found = next;
      next = null;
      return found;
    }

    private Row keyed(Row event) {
      Sorted.values(event, FIELDS, lists, values);
      String key = view.keyOf(values, event.getInt(PART), event.getLong(OFF));
      if (key == null) return null;
      Object[] columns = new Object[Sorted.FIELDS + lists.length];
      columns[Sorted.KEY] = key;
      columns[Sorted.MS] = Math.floorDiv(event.getLong(US), US_PER_MS);
      columns[Sorted.KIND] = EVENT;
      columns[Sorted.US] = event.getLong(US);
      columns[Sorted.PART] = event.getInt(PART);
      columns[Sorted.OFF] = event.getLong(OFF);
      columns[Sorted.TIME] = Math.floorDiv(event.getLong(TIME), US_PER_MS);
      for (int i = 0; i < lists.length; i++) columns[Sorted.FIELDS + i] = event.get(FIELDS + i);
      return RowFactory.create(columns);
    }
  }
}
