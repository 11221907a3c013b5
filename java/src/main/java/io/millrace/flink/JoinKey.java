package io.millrace.flink;

import io.millrace.join.JoinedView;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.ScalarFunction;
import org.apache.flink.table.functions.SpecializedFunction;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * {@code MR_JOIN_KEY(fields ROW, partition INT, offset BIGINT, plan STRING) -> STRING}: the encoded
 * key of an event's entity in a join, whose plan is the file `plan`; null where the event does not
 * count.
 */
public final class JoinKey extends ScalarFunction implements SpecializedFunction {
  private static final DataType TEXT = DataTypes.STRING().bridgedTo(StringData.class);

  /** set when Flink has inferred the type of the fields */
  private final LogicalType fields;

  private transient EventValues values;
  private transient JoinedView view;

  public JoinKey() {
    this(null);
  }

  JoinKey(LogicalType fields) {
    this.fields = fields;
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    return new JoinKey(context.getCallContext().getArgumentDataTypes().get(0).getLogicalType());
  }

  public StringData eval(RowData event, Integer partition, Long offset, StringData plan) {
    if (view == null) {
      values = new EventValues(fields);
      view = JoinPlans.view(plan.toString());
    }
    String key = view.keyOf(values.of(event), partition, offset);
    return key == null ? null : StringData.fromString(key);
  }

  @Override
  public TypeInference getTypeInference(DataTypeFactory types) {
    return Inference.scalar(fields -> TEXT.nullable(), null, DataTypes.INT(), DataTypes.BIGINT(),
        TEXT);
  }
}
