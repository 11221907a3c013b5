package io.millrace.flink;

/**
 * {@code MR_LAST(value, event_time BIGINT, partition INT, offset BIGINT, k INT) ->
 * ARRAY<ROW<event_time, partition, offset, value>>}
 */
public final class LastK extends Ordered {
  public LastK() {
    super(-1);
  }
}
