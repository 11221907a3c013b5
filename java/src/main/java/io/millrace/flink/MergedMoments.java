package io.millrace.flink;

import java.util.List;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.inference.TypeInference;

/**
 * {@code MR_MERGE_MOMENTS(n BIGINT, mean DOUBLE, m2 DOUBLE) -> ROW<n, mean, m2>}: the moments of
 * several tiles, merged.
 */
public final class MergedMoments extends AggregateFunction<RowData, RowData> {
  private final Moments moments = new Moments();

  @Override
  public RowData createAccumulator() {
    return moments.createAccumulator();
  }

  public void accumulate(RowData acc, Long n, Double mean, Double m2) {
    if (n != null) moments.merge(acc, List.of(GenericRowData.of(n, mean, m2)));
  }

  public void merge(RowData acc, Iterable<RowData> others) {
    moments.merge(acc, others);
  }

  public void resetAccumulator(RowData acc) {
    moments.resetAccumulator(acc);
  }

  @Override
  public RowData getValue(RowData acc) {
    return moments.getValue(acc);
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(Moments.STATE, Moments.STATE, DataTypes.BIGINT(), DataTypes.DOUBLE(),
        DataTypes.DOUBLE());
  }
}
