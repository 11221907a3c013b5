package io.millrace.flink;

import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * {@code MR_MERGE_LAST(entries, k INT) -> entries}: the entries of several tiles, each from
 * MR_LAST, merged.
 */
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
