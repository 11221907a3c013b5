package io.millrace.flink;

import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.utils.DataTypeUtils;

/**
 * The k values nearest to one end of the total order (event time, partition, offset), nearest
 * first. The array of entries is replaced and never changed, because states and results share it.
 * The TypeScript version is domain/aggregations/first-last.ts.
 */
abstract class Ordered extends AggregateFunction<ArrayData, RowData> {
  static final int ENTRIES = 0;
  static final int K = 1;
  private static final int EVENT_TIME = 0;
  private static final int PARTITION = 1;
  private static final int OFFSET = 2;

  /** 1: the first k, oldest first; −1: the last k, newest first */
  private final int sign;

  Ordered(int sign) {
    this.sign = sign;
  }

  @Override
  public RowData createAccumulator() {
    return GenericRowData.of(new GenericArrayData(new Object[0]), 0);
  }

  public void accumulate(RowData acc, Object value, Long eventTime, Integer partition, Long offset,
      Integer k) {
    if (value == null) return;
    Rows.set(acc, K, k);
    ArrayData kept = acc.getArray(ENTRIES);
    // With k = 1, most events change nothing, so no row is made for them.
    if (k == 1 && kept.size() == 1
        && sign * compare(eventTime, partition, offset, kept.getRow(0, 4)) >= 0) return;
    keep(acc, kept, GenericRowData.of(eventTime, partition, offset, Numbers.plainZero(value)), k);
  }

  public void merge(RowData acc, Iterable<RowData> others) {
    for (RowData other : others) {
      int k = Math.max(acc.getInt(K), other.getInt(K));
      Rows.set(acc, K, k);
      ArrayData entries = other.getArray(ENTRIES);
      for (int i = 0; i < entries.size(); i++)
        keep(acc, acc.getArray(ENTRIES), entries.getRow(i, 4), k);
    }
  }

  final void keep(RowData acc, ArrayData kept, RowData entry, int k) {
    long time = entry.getLong(EVENT_TIME);
    int partition = entry.getInt(PARTITION);
    long offset = entry.getLong(OFFSET);
    int size = kept.size();
    int at = size;
    while (at > 0 && sign * compare(time, partition, offset, kept.getRow(at - 1, 4)) < 0) at--;
    if (at >= k || (at > 0 && compare(time, partition, offset, kept.getRow(at - 1, 4)) == 0))
      return;
    Object[] entries = new Object[Math.min(size + 1, k)];
    for (int i = 0; i < entries.length; i++)
      entries[i] = i < at ? kept.getRow(i, 4) : i == at ? entry : kept.getRow(i - 1, 4);
    Rows.set(acc, ENTRIES, new GenericArrayData(entries));
  }

  private static int compare(long time, int partition, long offset, RowData other) {
    int byTime = Long.compare(time, other.getLong(EVENT_TIME));
    if (byTime != 0) return byTime;
    int byPartition = Integer.compare(partition, other.getInt(PARTITION));
    return byPartition != 0 ? byPartition : Long.compare(offset, other.getLong(OFFSET));
  }

  public void resetAccumulator(RowData acc) {
    Rows.set(acc, ENTRIES, new GenericArrayData(new Object[0]));
  }

  @Override
  public ArrayData getValue(RowData acc) {
    return acc.getArray(ENTRIES);
  }

  private static DataType entries(DataType value) {
    return DataTypeUtils.toInternalDataType(
        DataTypes.ARRAY(
                DataTypes.ROW(
                        DataTypes.FIELD("event_time", DataTypes.BIGINT().notNull()),
                        DataTypes.FIELD("partition", DataTypes.INT().notNull()),
                        DataTypes.FIELD("offset", DataTypes.BIGINT().notNull()),
                        DataTypes.FIELD("value", value.notNull()))
                    .notNull())
            .notNull());
  }

  private static DataType state(DataType value) {
    return DataTypes.ROW(DataTypes.FIELD("entries", entries(value)),
        DataTypes.FIELD("k", DataTypes.INT().notNull()))
        .bridgedTo(RowData.class);
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(
        Ordered::state, Ordered::entries, null, DataTypes.BIGINT(), DataTypes.INT(),
        DataTypes.BIGINT(), DataTypes.INT());
  }
}
