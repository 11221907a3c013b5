package io.millrace.flink;

import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;

/**
 * The least or greatest text by UTF-16 code units, as JavaScript's {@code <} compares; Flink's own
 * MIN and MAX compare UTF-8 bytes, which differs beyond the basic plane. Null if there are no
 * texts. The TypeScript version is textPartial of domain/aggregations/min-max.ts.
 */
abstract class TextExtreme extends AggregateFunction<StringData, RowData> {
  private static final DataType STATE =
      DataTypes.ROW(DataTypes.FIELD("value", DataTypes.STRING().bridgedTo(StringData.class)))
          .bridgedTo(RowData.class);

  /** −1: the least; 1: the greatest */
  private final int sign;

  TextExtreme(int sign) {
    this.sign = sign;
  }

  @Override
  public RowData createAccumulator() {
    return new GenericRowData(1);
  }

  public void accumulate(RowData acc, StringData value) {
    if (value == null) return;
    if (acc.isNullAt(0)
        || Integer.signum(value.toString().compareTo(acc.getString(0).toString())) == sign)
      // A batch job reads its rows into the same memory one after the other, so the text is copied.
      Rows.set(acc, 0, StringData.fromString(value.toString()));
  }

  public void merge(RowData acc, Iterable<RowData> others) {
    for (RowData other : others) if (!other.isNullAt(0)) accumulate(acc, other.getString(0));
  }

  public void resetAccumulator(RowData acc) {
    Rows.set(acc, 0, null);
  }

  @Override
  public StringData getValue(RowData acc) {
    return acc.isNullAt(0) ? null : acc.getString(0);
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    DataType text = DataTypes.STRING().bridgedTo(StringData.class);
    return Inference.of(STATE, text, text);
  }
}
