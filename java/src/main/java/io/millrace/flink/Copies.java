package io.millrace.flink;

import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.table.runtime.typeutils.InternalSerializers;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * Copies values of one type, so that they outlive their row. A batch job reads its rows into the
 * same memory one after the other, so a function must copy every value that it keeps.
 */
final class Copies {
  private Copies() {}

  static TypeSerializer<Object> of(LogicalType type) {
    return InternalSerializers.create(type.copy(false));
  }
}
