package io.millrace.flink;

import org.apache.flink.table.functions.UserDefinedFunction;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * {@code MR_MERGE_FIRST(entries, k INT) -> entries}: the entries of several tiles, each from
 * MR_FIRST, merged.
 */
public final class MergedFirst extends MergedOrdered {
  public MergedFirst() {
    this(null);
  }

  MergedFirst(LogicalType type) {
    super(1, type);
  }

  @Override
  public UserDefinedFunction specialize(SpecializedContext context) {
    return new MergedFirst(valueType(context));
  }
}
