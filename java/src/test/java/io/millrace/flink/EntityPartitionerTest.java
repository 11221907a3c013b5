package io.millrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/**
 * For any tile, the partition is the one that Kafka's own partitioner gives for the entity's key:
 * tests/vectors/partitions.jsonl.
 */
class EntityPartitionerTest {
  @Test
  void partitionsAreThoseOfTheEntity() {
    Vectors.read("partitions.jsonl")
        .forEach(
            vector -> {
              byte[] key = HexFormat.of().parseHex(vector.get("key").asText());
              vector
                  .get("partitions")
                  .properties()
                  .forEach(p -> assertEquals(p.getValue().asInt(),
                      EntityPartitioner.partition(key, Integer.parseInt(p.getKey()))));
            });
  }

  @Test
  void aRecordWithoutAKeyIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> EntityPartitioner.partition(null, 2));
    assertThrows(IllegalArgumentException.class, () -> EntityPartitioner.partition(new byte[5], 2));
  }
}
