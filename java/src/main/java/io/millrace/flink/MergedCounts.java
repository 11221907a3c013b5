package io.millrace.flink;

import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.utils.DataTypeUtils;

/**
 * {@code MR_MERGE_COUNTS(counts, limit INT) -> counts}: the counts of several tiles, each from
 * MR_COUNTS, merged.
 */
public final class MergedCounts extends AggregateFunction<RowData, RowData>
    implements SpecializedFunction {
  private final ValueCounts counts;
  private final ArrayData.ElementGetter element;
  private final TypeSerializer<Object> copies;

  public MergedCounts() {
    this.counts = null;
    this.element = null;
    this.copies = null;
  }

  MergedCounts(LogicalType type) {
    this.counts = new ValueCounts(type);
    this.element = ArrayData.createElementGetter(type.copy(false));
    this.copies = Copies.of(type);
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    LogicalType state = context.getCallContext().getArgumentDataTypes().get(0).getLogicalType();
    return new MergedCounts(state.getChildren().get(1).getChildren().get(0));
  }

  @Override
  public RowData createAccumulator() {
    return counts.createAccumulator();
  }

  public void accumulate(RowData acc, RowData state, Integer limit) {
    if (state == null) return;
    ArrayData array = state.getArray(1);
    Object[] values = new Object[array.size()];
    for (int i = 0; i < values.length; i++)
      values[i] = copies.copy(element.getElementOrNull(array, i));
    GenericArrayData numbers = new GenericArrayData(state.getArray(2).toLongArray());
    counts.merge(acc, List.of(
        GenericRowData.of(state.getBoolean(0), new GenericArrayData(values), numbers, limit)));
  }

  public void merge(RowData acc, Iterable<RowData> others) {
    counts.merge(acc, others);
  }

  public void resetAccumulator(RowData acc) {
    counts.resetAccumulator(acc);
  }

  @Override
  public RowData getValue(RowData acc) {
    return counts.getValue(acc);
  }

  private static DataType[] parts(DataType state) {
    return DataTypeUtils.toInternalDataType(state).getChildren().toArray(DataType[]::new);
  }

  private static DataType result(DataType state) {
    return DataTypeUtils.toInternalDataType(state.notNull());
  }

  private static DataType state(DataType given) {
    DataType[] parts = parts(given);
    return DataTypeUtils.toInternalDataType(
        DataTypes.ROW(
                DataTypes.FIELD("overflow", parts[0]),
                DataTypes.FIELD("values", parts[1]),
                DataTypes.FIELD("counts", parts[2]),
                DataTypes.FIELD("limit", DataTypes.INT().notNull()))
            .notNull());
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(MergedCounts::state, MergedCounts::result, null, DataTypes.INT());
  }
}
