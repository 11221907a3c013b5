package io.millrace.flink;

import io.millrace.algebra.Registers;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.inference.TypeInference;

/**
 * {@code MR_MERGE_HLL(registers STRING, precision INT) -> STRING}: the registers of several tiles,
 * each from MR_HLL, merged.
 */
public final class MergedHyperLogLog extends AggregateFunction<StringData, RowData> {
  private static final HyperLogLog OF_VALUES = new HyperLogLog();

  @Override
  public RowData createAccumulator() {
    return new GenericRowData(1);
  }

  public void accumulate(RowData acc, StringData registers, Integer precision) {
    if (registers != null) HyperLogLog.take(acc, Registers.of(registers.toString(), precision));
  }

  public void merge(RowData acc, Iterable<RowData> others) {
    OF_VALUES.merge(acc, others);
  }

  public void resetAccumulator(RowData acc) {
    OF_VALUES.resetAccumulator(acc);
  }

  @Override
  public StringData getValue(RowData acc) {
    return OF_VALUES.getValue(acc);
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(
        HyperLogLog.STATE, HyperLogLog.TEXT, DataTypes.STRING().bridgedTo(StringData.class),
        DataTypes.INT());
  }
}
