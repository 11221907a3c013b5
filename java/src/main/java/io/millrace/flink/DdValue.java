package io.millrace.flink;

import io.millrace.algebra.Buckets;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.ScalarFunction;
import org.apache.flink.table.types.inference.TypeInference;

/**
 * {@code MR_DD_VALUE(counts, q DOUBLE, lnGamma DOUBLE) -> DOUBLE}: the q-quantile of the buckets
 * that MR_COUNTS counted; null if there are none. The TypeScript version is
 * domain/aggregations/dd-sketch.ts.
 */
public final class DdValue extends ScalarFunction {
  public Double eval(RowData counts, Double q, Double lnGamma) {
    if (counts == null || counts.getBoolean(0) || counts.getArray(1).size() == 0) return null;
    long[] buckets = counts.getArray(1).toLongArray();
    long[] numbers = counts.getArray(2).toLongArray();
    long total = 0;
    for (long n : numbers) total += n;
    double place = Math.floor(q * (total - 1));
    long before = 0;
    for (int i = 0; i < buckets.length; i++) {
      before += numbers[i];
      if (before > place) return Buckets.value(buckets[i], lnGamma);
    }
    return null;
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.scalar(first -> DataTypes.DOUBLE(), null, DataTypes.DOUBLE(),
        DataTypes.DOUBLE());
  }
}
