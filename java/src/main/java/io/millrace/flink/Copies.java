package io.millrace.flink;

import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.table.runtime.typeutils.InternalSerializers;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * Values of one type that outlive the row they came from. A batch job's rows are read into the same
 * memory one after the other, so that what a function keeps of one it must copy.
 */
final class Copies {
  private Copies() {}

  static TypeSerializer<Object> of(LogicalType type) {
    return InternalSerializers.create(type.copy(false));
  }
}
