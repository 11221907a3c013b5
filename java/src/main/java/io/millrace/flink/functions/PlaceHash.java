package io.millrace.flink.functions;

import io.millrace.flink.HashPlace;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * {@code MR_PLACE_HASH(partition INT, offset BIGINT) -> BIGINT}: the order in which MR_FIRST
 * samples. Its twin is placeHash in hash-value.ts.
 */
public final class PlaceHash extends ScalarFunction {
  public Long eval(Integer partition, Long offset) {
    return HashPlace.of(partition, offset);
  }
}
