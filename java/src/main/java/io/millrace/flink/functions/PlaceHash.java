package io.millrace.flink.functions;

import io.millrace.algebra.HashPlace;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_PLACE_HASH(partition INT, offset BIGINT) -> BIGINT}: the hash of a place in the log, by
 * which MR_FIRST selects a sample. The TypeScript version is placeHash in hash-value.ts.
 */
public final class PlaceHash extends ScalarFunction {
  public Long eval(Integer partition, Long offset) {
    return HashPlace.of(partition, offset);
  }
}
