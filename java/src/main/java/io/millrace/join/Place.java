package io.millrace.join;

/** An event's place in the total order of events: event time (epoch ms), partition, offset. */
record Place(long eventTime, int partition, long offset) {
  static int compare(
      long timeA, int partitionA, long offsetA, long timeB, int partitionB, long offsetB) {
    int byTime = Long.compare(timeA, timeB);
    if (byTime != 0) return byTime;
    int byPartition = Integer.compare(partitionA, partitionB);
    return byPartition != 0 ? byPartition : Long.compare(offsetA, offsetB);
  }

  int compareTo(Place other) {
    return compare(eventTime, partition, offset, other.eventTime, other.partition, other.offset);
  }
}
