package io.millrace.flink;

import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;

/**
 * {@code MR_LATEST(INT, BIGINT) -> ROW<partition INT, offset BIGINT>}: the place of the event that was taken in last. Unlike two
 * LAST_VALUEs it can be merged, so that Flink aggregates what it has gathered before it goes to the state.
 */
public final class Latest extends AggregateFunction<RowData, RowData> {
  private static final int PARTITION = 0;
  private static final int OFFSET = 1;
  private static final long NONE = -1L;

  private static final DataType STATE =
      DataTypes.ROW(
              DataTypes.FIELD("partition", DataTypes.INT().notNull()), DataTypes.FIELD("offset", DataTypes.BIGINT().notNull()))
          .bridgedTo(RowData.class);

  @Override
  public RowData createAccumulator() {
    return GenericRowData.of(-1, NONE);
  }

  public void accumulate(RowData acc, Integer partition, Long offset) {
    Rows.set(acc, PARTITION, partition);
    Rows.set(acc, OFFSET, offset);
  }

  /** In the order in which the parts were gathered. */
  public void merge(RowData acc, Iterable<RowData> others) {
    for (RowData other : others)
      if (other.getLong(OFFSET) != NONE) accumulate(acc, other.getInt(PARTITION), other.getLong(OFFSET));
  }

  public void resetAccumulator(RowData acc) {
    accumulate(acc, -1, NONE);
  }

  @Override
  public RowData getValue(RowData acc) {
    return GenericRowData.of(acc.getInt(PARTITION), acc.getLong(OFFSET));
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(STATE, STATE, DataTypes.INT(), DataTypes.BIGINT());
  }
}
