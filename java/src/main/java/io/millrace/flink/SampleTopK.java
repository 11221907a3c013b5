package io.millrace.flink;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.functions.ScalarFunction;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * {@code MR_SAMPLE_TOP_K(entries, k INT) -> ARRAY<T>}: the most frequent values of a sample, ties
 * by value; null if the sample is empty. The TypeScript version is
 * domain/aggregations/approx-top-k.ts.
 */
public final class SampleTopK extends ScalarFunction implements SpecializedFunction {
  private static final int VALUE = 3;
  private final RowData.FieldGetter value;

  public SampleTopK() {
    this.value = null;
  }

  SampleTopK(LogicalType type) {
    this.value = RowData.createFieldGetter(type.copy(false), VALUE);
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    return new SampleTopK(MergedOrdered.valueType(context));
  }

  public ArrayData eval(ArrayData entries, Integer k) {
    if (entries == null || entries.size() == 0) return null;
    Map<Object, Integer> counts = new TreeMap<>(Scalars.ASCENDING);
    for (int i = 0; i < entries.size(); i++)
      counts.merge(value.getFieldOrNull(entries.getRow(i, VALUE + 1)), 1, Integer::sum);
    // The values are ascending, so a stable sort by count keeps ties in the order of values.
    Object[] top =
        counts.entrySet().stream()
            .sorted(Comparator.comparingInt(e -> -e.getValue()))
            .limit(k)
            .map(Map.Entry::getKey)
            .toArray();
    return new GenericArrayData(Arrays.copyOf(top, top.length, Object[].class));
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.scalar(EntryValues::values, null, DataTypes.INT());
  }
}
