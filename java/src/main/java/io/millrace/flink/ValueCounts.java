package io.millrace.flink;

import java.util.Arrays;
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
 * {@code MR_COUNTS(value, limit INT) -> ROW<overflow BOOLEAN, values ARRAY<T>, counts
 * ARRAY<BIGINT>>}: a bounded multiset, its values ascending. With more than `limit` distinct values
 * it overflows, and stays in that state. The TypeScript version is
 * domain/aggregations/value-counts.ts.
 *
 * The values are in a sorted array in the accumulator, not in a MapView. A result is the whole
 * state, so each emitted change reads all of it. An array is read with one get from RocksDB and
 * needs no sort; a map would be scanned entry by entry. Within a mini-batch the state is read and
 * written once. An event costs a binary search, and a new value one array copy.
 */
public final class ValueCounts extends AggregateFunction<RowData, RowData>
    implements SpecializedFunction {
  private static final int OVERFLOW = 0;
  private static final int VALUES = 1;
  private static final int COUNTS = 2;
  private static final int LIMIT = 3;

  /** reads a value from the state; set when Flink has inferred the argument's type */
  private final ArrayData.ElementGetter element;

  public ValueCounts() {
    this.element = null;
  }

  ValueCounts(LogicalType type) {
    this.element = ArrayData.createElementGetter(type.copy(false));
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    return new ValueCounts(context.getCallContext().getArgumentDataTypes().get(0).getLogicalType());
  }

  @Override
  public RowData createAccumulator() {
    GenericRowData acc = new GenericRowData(4);
    Rows.set(acc, LIMIT, 0);
    resetAccumulator(acc);
    return acc;
  }

  public void accumulate(RowData acc, Object value, Integer limit) {
    if (value == null || acc.getBoolean(OVERFLOW)) return;
    Rows.set(acc, LIMIT, limit);
    bump(acc, Numbers.plainZero(value), 1, limit);
  }

  public void merge(RowData acc, Iterable<RowData> others) {
    for (RowData other : others) {
      int limit = Math.max(acc.getInt(LIMIT), other.getInt(LIMIT));
      Rows.set(acc, LIMIT, limit);
      if (other.getBoolean(OVERFLOW)) clear(acc, true);
      Object[] values = valuesOf(other);
      ArrayData counts = other.getArray(COUNTS);
      for (int i = 0; i < values.length && !acc.getBoolean(OVERFLOW); i++)
        bump(acc, values[i], counts.getLong(i), limit);
    }
  }

  private void bump(RowData acc, Object value, long by, int limit) {
    Object[] values = valuesOf(acc);
    long[] counts = countsOf(acc);
    int at = Arrays.binarySearch(values, value, Scalars.ASCENDING);
    if (at >= 0) {
      counts[at] += by;
      return;
    }
    if (values.length >= limit) {
      clear(acc, true);
      return;
    }
    int place = -at - 1;
    Object[] moreValues = Arrays.copyOf(values, values.length + 1);
    long[] moreCounts = Arrays.copyOf(counts, counts.length + 1);
    System.arraycopy(values, place, moreValues, place + 1, values.length - place);
    System.arraycopy(counts, place, moreCounts, place + 1, counts.length - place);
    moreValues[place] = value;
    moreCounts[place] = by;
    Rows.set(acc, VALUES, new GenericArrayData(moreValues));
    Rows.set(acc, COUNTS, new GenericArrayData(moreCounts));
  }

  /** The values as objects. Those of a state from the backend are converted once. */
  private Object[] valuesOf(RowData acc) {
    ArrayData array = acc.getArray(VALUES);
    if (array instanceof GenericArrayData generic) return generic.toObjectArray();
    Object[] values = new Object[array.size()];
    for (int i = 0; i < values.length; i++) values[i] = element.getElementOrNull(array, i);
    if (acc instanceof GenericRowData) Rows.set(acc, VALUES, new GenericArrayData(values));
    return values;
  }

  /** The counts of an accumulator, which may be changed in place. */
  private static long[] countsOf(RowData acc) {
    ArrayData array = acc.getArray(COUNTS);
    long[] counts = array.toLongArray();
    if (!(array instanceof GenericArrayData)) Rows.set(acc, COUNTS, new GenericArrayData(counts));
    return counts;
  }

  private static void clear(RowData acc, boolean overflow) {
    Rows.set(acc, OVERFLOW, overflow);
    Rows.set(acc, VALUES, new GenericArrayData(new Object[0]));
    Rows.set(acc, COUNTS, new GenericArrayData(new long[0]));
  }

  public void resetAccumulator(RowData acc) {
    clear(acc, false);
  }

  /**
   * The result shares the values with the state, which only replaces the array. The state changes
   * counts in place, so the result gets a copy.
   */
  @Override
  public RowData getValue(RowData acc) {
    return GenericRowData.of(
        acc.getBoolean(OVERFLOW), acc.getArray(VALUES),
        new GenericArrayData(acc.getArray(COUNTS).toLongArray().clone()));
  }

  private static DataType result(DataType value) {
    return DataTypeUtils.toInternalDataType(DataTypes.ROW(counts(value)).notNull());
  }

  private static DataType state(DataType value) {
    DataTypes.Field[] fields = Arrays.copyOf(counts(value), 4);
    fields[LIMIT] = DataTypes.FIELD("limit", DataTypes.INT().notNull());
    return DataTypeUtils.toInternalDataType(DataTypes.ROW(fields).notNull());
  }

  private static DataTypes.Field[] counts(DataType value) {
    return new DataTypes.Field[] {
      DataTypes.FIELD("overflow", DataTypes.BOOLEAN().notNull()),
      DataTypes.FIELD("values", DataTypes.ARRAY(value.notNull()).notNull()),
      DataTypes.FIELD("counts", DataTypes.ARRAY(DataTypes.BIGINT().notNull()).notNull())
    };
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(ValueCounts::state, ValueCounts::result, null, DataTypes.INT());
  }
}
