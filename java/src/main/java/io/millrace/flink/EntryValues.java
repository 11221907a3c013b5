package io.millrace.flink;

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
 * {@code MR_ENTRY_VALUES(entries) -> ARRAY<T>}: the values in the entries of MR_FIRST or MR_LAST;
 * null if there are none.
 */
public final class EntryValues extends ScalarFunction implements SpecializedFunction {
  private static final int VALUE = 3;
  private final RowData.FieldGetter value;

  public EntryValues() {
    this.value = null;
  }

  EntryValues(LogicalType type) {
    this.value = RowData.createFieldGetter(type.copy(false), VALUE);
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    return new EntryValues(MergedOrdered.valueType(context));
  }

  public ArrayData eval(ArrayData entries) {
    if (entries == null || entries.size() == 0) return null;
    Object[] values = new Object[entries.size()];
    for (int i = 0; i < values.length; i++)
      values[i] = value.getFieldOrNull(entries.getRow(i, VALUE + 1));
    return new GenericArrayData(values);
  }

  static DataType values(DataType entries) {
    DataType value = entries.getChildren().get(0).getChildren().get(VALUE);
    return DataTypeUtils.toInternalDataType(DataTypes.ARRAY(value.notNull()).nullable());
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.scalar(EntryValues::values, (DataType) null);
  }
}
