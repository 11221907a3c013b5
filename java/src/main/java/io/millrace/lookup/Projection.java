package io.millrace.lookup;

import io.millrace.lookup.LookupException.Code;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.paimon.data.Decimal;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.data.Timestamp;
import org.apache.paimon.types.DataField;
import org.apache.paimon.types.DataType;
import org.apache.paimon.types.RowType;

/**
 * The requested columns of each hop. Encodes a row as a tile: float64s (meta, then numbers), then
 * the references' JSON.
 */
final class Projection {
  /**
   * the columns before a tile's numbers: start, newest event time, and its cause's place in the log
   */
  static final List<String> META =
      List.of("tile_start", "newest_event_time", "cause_partition", "cause_offset");

  record HopColumns(long hopMs, List<String> nums, List<String> refs) {}

  record Column(DataType type, InternalRow.FieldGetter getter) {
    Object of(InternalRow row) {
      return getter.getFieldOrNull(row);
    }
  }

  private record Hop(long hopMs, List<Column> numbers, List<Column> refs) {}

  /** the requested columns; equal requests share one projection */
  final List<HopColumns> requested;

  private final List<Hop> hops = new ArrayList<>();

  Projection(List<HopColumns> requested, RowType rowType) throws LookupException {
    this.requested = requested;
    for (HopColumns hop : requested) {
      List<Column> numbers = new ArrayList<>();
      for (String name : META)
        numbers.add(rowType.containsField(name) ? column(rowType, name) : null);
      for (String name : hop.nums()) numbers.add(numeric(rowType, name));
      List<Column> refs = new ArrayList<>();
      for (String name : hop.refs()) refs.add(column(rowType, name));
      hops.add(new Hop(hop.hopMs(), numbers, refs));
    }
  }

  private static Column column(RowType rowType, String name) throws LookupException {
    int at = rowType.getFieldIndex(name);
    if (at < 0) throw new LookupException(Code.COLUMN_UNKNOWN, "the table has no column " + name);
    DataField field = rowType.getFields().get(at);
    return new Column(field.type(), InternalRow.createFieldGetter(field.type(), at));
  }

  private static Column numeric(RowType rowType, String name) throws LookupException {
    Column column = column(rowType, name);
    return switch (column.type().getTypeRoot()) {
      case BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, FLOAT, DOUBLE, DECIMAL, DATE,
          TIMESTAMP_WITHOUT_TIME_ZONE,
              TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
          column;
      default -> throw new LookupException(Code.UNSUPPORTED, "the column " + name
          + " is of the type " + column.type() + ": request it as a reference");
    };
  }

  int hopCount() {
    return hops.size();
  }

  long hopMs(int hop) {
    return hops.get(hop).hopMs();
  }

  /** the number of float64s of a tile */
  int width(int hop) {
    return hops.get(hop).numbers().size();
  }

  boolean hasRefs(int hop) {
    return !hops.get(hop).refs().isEmpty();
  }

  int hopOf(long hopMs) {
    for (int i = 0; i < hops.size(); i++) if (hops.get(i).hopMs() == hopMs) return i;
    return -1;
  }

  byte[] encode(int hop, InternalRow row) {
    List<Column> numbers = hops.get(hop).numbers();
    byte[] json = hasRefs(hop) ? references(hop, row) : new byte[0];
    ByteBuffer tile = ByteBuffer.allocate(numbers.size() * 8 + json.length)
        .order(ByteOrder.LITTLE_ENDIAN);
    for (Column column : numbers) tile.putDouble(column == null ? 0 : number(column.of(row)));
    return tile.put(json).array();
  }

  private byte[] references(int hop, InternalRow row) {
    StringBuilder json = new StringBuilder().append('[');
    for (Column column : hops.get(hop).refs()) {
      if (json.length() > 1) json.append(',');
      Json.write(json, column.type(), column.of(row));
    }
    return json.append(']').toString().getBytes(StandardCharsets.UTF_8);
  }

  /** NaN stands for a missing value. */
  private static double number(Object value) {
    if (value == null) return Double.NaN;
    if (value instanceof Boolean truth) return truth ? 1 : 0;
    if (value instanceof Timestamp time) return time.getMillisecond();
    if (value instanceof Decimal decimal) return decimal.toBigDecimal().doubleValue();
    return ((Number) value).doubleValue();
  }
}
