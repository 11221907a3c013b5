package io.millrace.flink;

import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.utils.DataTypeUtils;

/** The k values nearest to one end of the total order, from the entries of several tiles. */
abstract class MergedOrdered extends Ordered implements SpecializedFunction {
  private static final int VALUE = 3;

  /** reads and copies an entry's value; set when Flink has inferred its type */
  private final RowData.FieldGetter value;

  private final TypeSerializer<Object> copies;

  MergedOrdered(int sign, LogicalType type) {
    super(sign);
    this.value = type == null ? null : RowData.createFieldGetter(type.copy(false), VALUE);
    this.copies = type == null ? null : Copies.of(type);
  }

  /** The type of the values in the entries of the call's first argument. */
  static LogicalType valueType(SpecializedContext context) {
    LogicalType entries = context.getCallContext().getArgumentDataTypes().get(0).getLogicalType();
    return entries.getChildren().get(0).getChildren().get(VALUE);
  }

  public void accumulate(RowData acc, ArrayData entries, Integer k) {
    if (entries == null) return;
    Rows.set(acc, K, k);
    for (int i = 0; i < entries.size(); i++) {
      RowData entry = entries.getRow(i, VALUE + 1);
      Object kept = copies.copy(value.getFieldOrNull(entry));
      keep(acc, acc.getArray(ENTRIES),
          GenericRowData.of(entry.getLong(0), entry.getInt(1), entry.getLong(2), kept), k);
    }
  }

  private static DataType entries(DataType entries) {
    return DataTypeUtils.toInternalDataType(entries.notNull());
  }

  private static DataType state(DataType entries) {
    return DataTypes.ROW(DataTypes.FIELD("entries", entries(entries)),
        DataTypes.FIELD("k", DataTypes.INT().notNull()))
        .bridgedTo(RowData.class);
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(MergedOrdered::state, MergedOrdered::entries, null, DataTypes.INT());
  }
}
