package io.millrace.flink;

import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;

/**
 * {@code MR_MOMENTS(DOUBLE) -> ROW<n BIGINT, mean DOUBLE, m2 DOUBLE>}: count, mean and sum of
 * squared differences, merged without cancellation (Chan, Golub, LeVeque 1979). The TypeScript
 * version is domain/aggregations/variance.ts.
 */
public final class Moments extends AggregateFunction<RowData, RowData> {
  private static final int N = 0;
  private static final int MEAN = 1;
  private static final int M2 = 2;

  static final DataType STATE =
      DataTypes.ROW(
              DataTypes.FIELD("n", DataTypes.BIGINT().notNull()),
              DataTypes.FIELD("mean", DataTypes.DOUBLE().notNull()),
              DataTypes.FIELD("m2", DataTypes.DOUBLE().notNull()))
          .bridgedTo(RowData.class);

  @Override
  public RowData createAccumulator() {
    return GenericRowData.of(0L, 0.0, 0.0);
  }

  public void accumulate(RowData acc, Double value) {
    if (value == null) return;
    double x = value;
    long count = acc.getLong(N) + 1;
    double mean = acc.getDouble(MEAN);
    double delta = x - mean;
    double moved = mean + delta / count;
    Rows.set(acc, N, count);
    Rows.set(acc, MEAN, moved);
    Rows.set(acc, M2, acc.getDouble(M2) + delta * (x - moved));
  }

  public void merge(RowData acc, Iterable<RowData> others) {
    for (RowData other : others) {
      // The TypeScript version has counts as doubles, and the arithmetic must be the same.
      double a = acc.getLong(N);
      double b = other.getLong(N);
      if (b == 0) continue;
      double total = a + b;
      double delta = other.getDouble(MEAN) - acc.getDouble(MEAN);
      Rows.set(acc, N, (long) total);
      Rows.set(acc, MEAN, acc.getDouble(MEAN) + (delta * b) / total);
      Rows.set(acc, M2, acc.getDouble(M2) + other.getDouble(M2)
          + ((delta * a) / total) * delta * b);
    }
  }

  public void resetAccumulator(RowData acc) {
    Rows.set(acc, N, 0L);
    Rows.set(acc, MEAN, 0.0);
    Rows.set(acc, M2, 0.0);
  }

  @Override
  public RowData getValue(RowData acc) {
    return GenericRowData.of(acc.getLong(N), acc.getDouble(MEAN), acc.getDouble(M2));
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(STATE, STATE, DataTypes.DOUBLE());
  }
}
