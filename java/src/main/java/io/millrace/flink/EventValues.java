package io.millrace.flink;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * An event's values as the expressions of a join take them (io.millrace.join.Expression), from a
 * row of Flink's. They are copies: a batch job reads its rows into the same memory.
 */
final class EventValues {
  @FunctionalInterface
  private interface Convert {
    Object of(Object internal);
  }

  private final RowData.FieldGetter[] getters;
  private final Convert[] converts;
  private final Object[] values;

  EventValues(LogicalType row) {
    List<LogicalType> types = row.getChildren();
    getters = new RowData.FieldGetter[types.size()];
    converts = new Convert[types.size()];
    for (int i = 0; i < getters.length; i++) {
      getters[i] = RowData.createFieldGetter(types.get(i).copy(true), i);
      converts[i] = convert(types.get(i));
    }
    values = new Object[getters.length];
  }

  /** The same array for each row. */
  Object[] of(RowData row) {
    for (int i = 0; i < values.length; i++) {
      Object internal = getters[i].getFieldOrNull(row);
      values[i] = internal == null ? null : converts[i].of(internal);
    }
    return values;
  }

  private static Convert convert(LogicalType type) {
    return switch (type.getTypeRoot()) {
      case CHAR, VARCHAR -> text -> ((StringData) text).toString();
      case BINARY, VARBINARY -> bytes -> Base64.getEncoder().encodeToString((byte[]) bytes);
      case BOOLEAN -> value -> value;
      case TIMESTAMP_WITHOUT_TIME_ZONE, TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
          time -> (double) ((TimestampData) time).getMillisecond();
      case ARRAY -> list(((ArrayType) type).getElementType());
      default -> number -> ((Number) number).doubleValue();
    };
  }

  private static Convert list(LogicalType element) {
    ArrayData.ElementGetter getter = ArrayData.createElementGetter(element.copy(true));
    Convert convert = convert(element);
    return array -> {
      ArrayData items = (ArrayData) array;
      List<Object> list = new ArrayList<>(items.size());
      for (int i = 0; i < items.size(); i++) {
        Object item = getter.getElementOrNull(items, i);
        list.add(item == null ? null : convert.of(item));
      }
      return list;
    };
  }
}
