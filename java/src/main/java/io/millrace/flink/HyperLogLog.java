package io.millrace.flink;

import io.millrace.algebra.Registers;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;

/**
 * {@code MR_HLL(value, precision INT) -> STRING}: the registers of the values, as text. The
 * TypeScript version is domain/aggregations/hyper-log-log.ts.
 */
public class HyperLogLog extends AggregateFunction<StringData, RowData> {
  private static final StringData NOTHING = StringData.fromString("s");
  static final DataType TEXT = DataTypes.STRING().notNull().bridgedTo(StringData.class);
  static final DataType STATE =
      DataTypes.ROW(DataTypes.FIELD("registers", DataTypes.BYTES()))
          .notNull()
          .bridgedTo(RowData.class);

  @Override
  public RowData createAccumulator() {
    return new GenericRowData(1);
  }

  public void accumulate(RowData acc, Object value, Integer precision) {
    if (value == null) return;
    byte[] registers = acc.isNullAt(0) ? new byte[1 << precision] : acc.getBinary(0);
    Object plain = value instanceof StringData text ? text.toString() : value;
    byte[] raised = Registers.add(registers, plain, precision);
    if (raised != registers) Rows.set(acc, 0, raised);
  }

  public void merge(RowData acc, Iterable<RowData> others) {
    for (RowData other : others) if (!other.isNullAt(0)) take(acc, other.getBinary(0));
  }

  static void take(RowData acc, byte[] registers) {
    byte[] merged = registers.clone();
    if (!acc.isNullAt(0)) Registers.merge(merged, acc.getBinary(0));
    Rows.set(acc, 0, merged);
  }

  public void resetAccumulator(RowData acc) {
    Rows.set(acc, 0, null);
  }

  @Override
  public StringData getValue(RowData acc) {
    return acc.isNullAt(0) ? NOTHING : StringData.fromString(Registers.text(acc.getBinary(0)));
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(STATE, TEXT, null, DataTypes.INT());
  }
}
