package io.millrace.flink;

import io.millrace.join.JoinedView;
import java.util.List;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.utils.DataTypeUtils;

/**
 * {@code MR_JOIN(shape ROW, fields ROW, kind INT, ms BIGINT, time BIGINT, partition INT, offset
 * BIGINT, plan STRING) -> shape}: the point-in-time join as an aggregate over the events (kind 0)
 * and rows (kind 1) of one entity, sorted by time:
 *
 * <pre>MR_JOIN(…) OVER (PARTITION BY key ORDER BY ms, kind, us, partition, offset
 *   ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)</pre>
 *
 * At a row its value has the outputs of the plan, which is the file `plan`, and after them their
 * statuses if `shape` has twice as many fields; at an event it is null. Rows are read in their
 * order and none is kept: Flink sorts, and spills what does not fit in memory.
 */
public final class Join extends AggregateFunction<RowData, Join.State>
    implements SpecializedFunction {
  private static final int ROW = 1;
  private static final DataType TEXT = DataTypes.STRING().bridgedTo(StringData.class);

  /** The windows of an entity, and the value at its newest row. */
  public static final class State {
    private JoinedView view;
    private RowData value;
  }

  /** set when Flink has inferred the types of shape and fields */
  private final LogicalType shape;
  private final LogicalType fields;

  private transient EventValues values;
  /** Of the entities one after the other: making one takes longer than most entities do. */
  private transient JoinedView view;

  public Join() {
    this(null, null);
  }

  Join(LogicalType shape, LogicalType fields) {
    this.shape = shape;
    this.fields = fields;
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    List<DataType> given = context.getCallContext().getArgumentDataTypes();
    return new Join(given.get(0).getLogicalType(), given.get(1).getLogicalType());
  }

  @Override
  public State createAccumulator() {
    return new State();
  }

  public void accumulate(State state, RowData none, RowData event, Integer kind, Long ms,
      Long time, Integer partition, Long offset, StringData plan) {
    if (state.view == null) state.view = begin(plan);
    state.value = null;
    if (kind == ROW) {
      state.view.read(ms);
      state.value = row(state.view);
    } else state.view.add(values.of(event), ms, time, partition, offset);
  }

  private JoinedView begin(StringData plan) {
    if (view == null) {
      values = new EventValues(fields);
      view = JoinPlans.view(plan.toString());
    }
    view.reset();
    return view;
  }

  private RowData row(JoinedView read) {
    int size = read.size();
    GenericRowData row = new GenericRowData(shape.getChildren().size());
    for (int i = 0; i < size; i++) row.setField(i, internal(read.value(i)));
    for (int i = size; i < row.getArity(); i++) row.setField(i, read.status(i - size));
    return row;
  }

  /** In a list, a boolean is 1 or 0. */
  private static Object internal(Object value) {
    if (value instanceof String text) return StringData.fromString(text);
    if (value instanceof Boolean b) return b ? 1.0 : 0.0;
    return value instanceof List<?> list
        ? new GenericArrayData(list.stream().map(Join::internal).toArray())
        : value;
  }

  @Override
  public RowData getValue(State state) {
    return state.value;
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.of(
        shape -> types.createRawDataType(State.class).notNull(),
        shape -> DataTypeUtils.toInternalDataType(shape.nullable()),
        null, null, DataTypes.INT(), DataTypes.BIGINT(), DataTypes.BIGINT(), DataTypes.INT(),
        DataTypes.BIGINT(), TEXT);
  }
}
