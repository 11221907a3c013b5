package io.millrace.flink;

import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;

/**
 * {@code MR_SUM(DOUBLE) -> ROW<hi DOUBLE, lo DOUBLE>}: Knuth's TwoSum, so that the order of the
 * parts has an effect only far beyond a double's last digit. The TypeScript version is
 * domain/aggregations/sum.ts.
 */
public final class ExactSum extends AggregateFunction<RowData, RowData> {
  private static final int HI = 0;
  private static final int LO = 1;

  private static final DataType STATE =
      DataTypes.ROW(
              DataTypes.FIELD("hi", DataTypes.DOUBLE().notNull()),
              DataTypes.FIELD("lo", DataTypes.DOUBLE().notNull()))
          .bridgedTo(RowData.class);

  @Override
  public RowData createAccumulator() {
    return GenericRowData.of(0.0, 0.0);
  }

  public void accumulate(RowData acc, Double value) {
    if (value != null) add(acc, value);
  }

  public void merge(RowData acc, Iterable<RowData> others) {
    for (RowData other : others) {
      add(acc, other.getDouble(HI));
      Rows.set(acc, LO, acc.getDouble(LO) + other.getDouble(LO));
    }
  }

  private static void add(RowData acc, double x) {
    double hi = acc.getDouble(HI);
    double sum = hi + x;
    double shadow = sum - hi;
    Rows.set(acc, HI, sum);
    Rows.set(acc, LO, acc.getDouble(LO) + (hi - (sum - shadow) + (x - shadow)));
  }

  public void resetAccumulator(RowData acc) {
    Rows.set(acc, HI, 0.0);
    Rows.set(acc, LO, 0.0);
  }

  @Override
  public RowData getValue(RowData acc) {
    return GenericRowData.of(acc.getDouble(HI), acc.getDouble(LO));
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(STATE, STATE, DataTypes.DOUBLE());
  }
}
