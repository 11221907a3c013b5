package io.millrace.flink;

/**
 * {@code MR_FIRST(value, event_time BIGINT, partition INT, offset BIGINT, k INT) ->
 * ARRAY<ROW<event_time, partition, offset, value>>}
 */
public final class FirstK extends Ordered {
  public FirstK() {
    super(1);
  }
}
