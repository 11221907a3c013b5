package io.millrace.flink;

import java.util.Arrays;
import java.util.Comparator;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.ScalarFunction;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.utils.DataTypeUtils;

/**
 * {@code MR_TOP_K(counts, k INT) -> ARRAY<T>}: the most frequent of the values that MR_COUNTS
 * counted, ties by value; null if there are none or after an overflow. The TypeScript version is
 * domain/aggregations/top-k.ts.
 */
public final class TopK extends ScalarFunction implements SpecializedFunction {
  private final ArrayData.ElementGetter element;

  public TopK() {
    this.element = null;
  }

  TopK(LogicalType type) {
    this.element = ArrayData.createElementGetter(type.copy(false));
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    LogicalType state = context.getCallContext().getArgumentDataTypes().get(0).getLogicalType();
    return new TopK(state.getChildren().get(1).getChildren().get(0));
  }

  public ArrayData eval(RowData state, Integer k) {
    if (state == null || state.getBoolean(0) || state.getArray(1).size() == 0) return null;
    ArrayData values = state.getArray(1);
    long[] counts = state.getArray(2).toLongArray();
    Integer[] places = new Integer[counts.length];
    Arrays.setAll(places, i -> i);
    // The values are ascending, so a stable sort by count keeps ties in the order of values.
    Arrays.sort(places, Comparator.comparingLong(i -> -counts[i]));
    Object[] top = new Object[Math.min(k, places.length)];
    for (int i = 0; i < top.length; i++) top[i] = element.getElementOrNull(values, places[i]);
    return new GenericArrayData(top);
  }

  private static DataType values(DataType counts) {
    DataType value = counts.getChildren().get(1).getChildren().get(0);
    return DataTypeUtils.toInternalDataType(DataTypes.ARRAY(value.notNull()).nullable());
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.scalar(TopK::values, null, DataTypes.INT());
  }
}
