package io.millrace.flink;

import java.util.Map;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.producer.Partitioner;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.Cluster;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.utils.Utils;

/**
 * Sends all tiles of an entity to one partition of features.&lt;view&gt;, in the order of their
 * changes.
 *
 * A record's key has Confluent's frame, and its Avro record begins with the tile:
 *
 * <pre>magic (1 byte) | schema id (4 bytes) | hop_ms (varint) | tile_start (varint) | the entity's
 * key fields …</pre>
 *
 * Frame and tile are skipped, and the rest is hashed as Kafka hashes a key. It is set as the
 * producer property `partitioner.class`.
 */
public final class EntityPartitioner implements Partitioner {
  private static final int FRAME = 5;

  @Override
  public int partition(String topic, Object key, byte[] keyBytes, Object value, byte[] valueBytes,
      Cluster cluster) {
    return partition(keyBytes, cluster.partitionCountForTopic(topic));
  }

  static int partition(byte[] key, int partitions) {
    if (key == null || key.length < FRAME + 2)
      throw new IllegalArgumentException(
          "EntityPartitioner needs keys of features.<view>: "
              + "Confluent's frame, then hop_ms and tile_start");
    int at = afterVarint(key, afterVarint(key, FRAME));
    byte[] entity = new byte[key.length - at];
    System.arraycopy(key, at, entity, 0, entity.length);
    return Utils.toPositive(Utils.murmur2(entity)) % partitions;
  }

  private static int afterVarint(byte[] bytes, int from) {
    int at = from;
    while (at < bytes.length && bytes[at] < 0) at++;
    return Math.min(at + 1, bytes.length);
  }

  @Override
  public void configure(Map<String, ?> settings) {}

  @Override
  public void close() {}
}
