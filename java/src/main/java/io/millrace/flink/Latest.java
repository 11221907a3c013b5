package io.millrace.flink;

import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;

/**
 * {@code MR_LATEST(INT, BIGINT, STRING) -> ROW<partition INT, offset BIGINT, trace STRING>}: the
 * place in the log of the last input event, and its trace if it has one. Unlike LAST_VALUE it can
 * be merged, so Flink can aggregate a mini-batch before it accesses the state.
 */
public final class Latest extends AggregateFunction<RowData, RowData> {
  private static final int PARTITION = 0;
  private static final int OFFSET = 1;
  private static final int TRACE = 2;
  private static final long NONE = -1L;

  private static final DataType STATE =
      DataTypes.ROW(
              DataTypes.FIELD("partition", DataTypes.INT().notNull()),
              DataTypes.FIELD("offset", DataTypes.BIGINT().notNull()),
              DataTypes.FIELD("trace", DataTypes.STRING().bridgedTo(StringData.class)))
          .bridgedTo(RowData.class);

  @Override
  public RowData createAccumulator() {
    return GenericRowData.of(-1, NONE, null);
  }

  public void accumulate(RowData acc, Integer partition, Long offset, StringData trace) {
    Rows.set(acc, PARTITION, partition);
    Rows.set(acc, OFFSET, offset);
    Rows.set(acc, TRACE, trace);
  }

  /** Merges the parts in the order in which they were collected. */
  public void merge(RowData acc, Iterable<RowData> others) {
    for (RowData other : others)
      if (other.getLong(OFFSET) != NONE)
        accumulate(acc, other.getInt(PARTITION), other.getLong(OFFSET), traceOf(other));
  }

  public void resetAccumulator(RowData acc) {
    accumulate(acc, -1, NONE, null);
  }

  @Override
  public RowData getValue(RowData acc) {
    return GenericRowData.of(acc.getInt(PARTITION), acc.getLong(OFFSET), traceOf(acc));
  }

  private static StringData traceOf(RowData acc) {
    return acc.isNullAt(TRACE) ? null : acc.getString(TRACE);
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(STATE, STATE, DataTypes.INT(), DataTypes.BIGINT(),
        DataTypes.STRING().bridgedTo(StringData.class));
  }
}
