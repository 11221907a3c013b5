package io.millrace.flink;

import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.logical.LogicalType;

/** {@code MR_MERGE_LAST(entries, k INT) -> entries}: of what MR_LAST kept in several tiles. */
public final class MergedLast extends MergedOrdered {
  public MergedLast() {
    this(null);
  }

  MergedLast(LogicalType type) {
    super(-1, type);
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    return new MergedLast(valueType(context));
  }
}
