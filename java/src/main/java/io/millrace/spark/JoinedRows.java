package io.millrace.spark;

import io.millrace.join.JoinedView;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;

/** The rows of sorted events and rows, with the values at their times. */
final class JoinedRows implements MapPartitionsFunction<Row, Row> {
  private static final int ROW = 1;

  private final String plan;
  private final boolean[] lists;
  private final boolean withStatus;

  JoinedRows(String plan, StructType sorted, boolean withStatus) {
    this.plan = plan;
    this.lists = Sorted.lists(sorted);
    this.withStatus = withStatus;
  }

  @Override
  public Iterator<Row> call(Iterator<Row> sorted) {
    return new Joined(sorted, new JoinedView(plan), lists, withStatus);
  }

  private static final class Joined implements Iterator<Row> {
    private final Iterator<Row> sorted;
    private final JoinedView view;
    private final boolean[] lists;
    private final boolean withStatus;
    private final Object[] values;
    private String key;
    private Row next;

    Joined(Iterator<Row> sorted, JoinedView view, boolean[] lists, boolean withStatus) {
      this.sorted = sorted;
      this.view = view;
      this.lists = lists;
      this.withStatus = withStatus;
      this.values = new Object[lists.length];
    }

    @Override
    public boolean hasNext() {
      while (next == null && sorted.hasNext()) next = joined(sorted.next());
      return next != null;
    }

    @Override
    public Row next() {
      if (!hasNext()) throw new NoSuchElementException();
      Row found = next;
      next = null;
      return found;
    }

    /** Null for an event. */
    private Row joined(Row one) {
      String of = one.getString(Sorted.KEY);
      if (!of.equals(key)) {
        key = of;
        view.reset();
      }
      long ms = one.getLong(Sorted.MS);
      if (one.getInt(Sorted.KIND) == ROW) {
        view.read(ms);
        return row(one.getLong(Sorted.OFF));
      }
      Sorted.values(one, Sorted.FIELDS, lists, values);
      view.add(values, ms, one.getLong(Sorted.TIME), one.getInt(Sorted.PART),
          one.getLong(Sorted.OFF));
      return null;
    }

    private Row row(long number) {
      int size = view.size();
      Object[] columns = new Object[1 + (withStatus ? 2 : 1) * size];
      columns[0] = number;
      for (int i = 0; i < size; i++) {
        columns[1 + i] = written(view.value(i));
        if (withStatus) columns[1 + size + i] = view.status(i);
      }
      return RowFactory.create(columns);
    }

    /** A list as an array, in which a boolean is 1 or 0. */
    private static Object written(Object value) {
      if (!(value instanceof List<?> list)) return value;
      List<Object> items = new ArrayList<>(list.size());
      for (Object item : list) items.add(item instanceof Boolean b ? (b ? 1.0 : 0.0) : item);
      return items.toArray();
    }
  }
}
