package io.millrace.lookup;

import io.millrace.lookup.LookupException.Code;
import java.util.List;
import org.apache.paimon.CoreOptions;
import org.apache.paimon.bucket.DefaultBucketFunction;
import org.apache.paimon.codegen.CodeGenUtils;
import org.apache.paimon.codegen.Projection;
import org.apache.paimon.data.GenericRow;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.schema.TableSchema;
import org.apache.paimon.table.BucketMode;
import org.apache.paimon.table.FileStoreTable;
import org.apache.paimon.types.DataField;
import org.apache.paimon.types.RowType;

/**
 * The structure of a table's keys. The primary key has the entity's key columns and, in a table of
 * tiles, hop_ms and tile_start. A table without these two has one row per entity, which is answered
 * as the tile of hop 0 that starts at 0.
 */
final class TableShape {
  static final String HOP = "hop_ms";
  static final String START = "tile_start";

  final TableSchema schema;
  final RowType rowType;
  final List<DataField> entityFields;
  final boolean tiled;
  final KeyCodec keys;

  private final InternalRow.FieldGetter hopGetter;
  private final InternalRow.FieldGetter startGetter;
  /** for each primary key field: the entity field's index, −1 for the hop, −2 for the start */
  private final int[] keyParts;
  private final int[] entityPositions;

  TableShape(FileStoreTable table) throws LookupException {
    schema = table.schema();
    rowType = schema.logicalRowType();
    if (schema.primaryKeys().isEmpty()) throw unsupported(table, "has no primary key");
    if (!schema.partitionKeys().isEmpty()) throw unsupported(table, "is partitioned");
    if (table.bucketMode() != BucketMode.HASH_FIXED)
      throw unsupported(table, "has no fixed number of buckets");
    if (table.coreOptions().mergeEngine() != CoreOptions.MergeEngine.DEDUPLICATE)
      throw unsupported(table, "merges rows of one key");
    if (table.coreOptions().needLookup())
      throw unsupported(table, "has new files that are not visible until they are compacted");
    List<DataField> keyFields = schema.trimmedPrimaryKeysFields();
    tiled = keyFields.stream().anyMatch(f -> f.name().equals(HOP))
        && keyFields.stream().anyMatch(f -> f.name().equals(START));
    entityFields = keyFields.stream()
        .filter(f -> !tiled || !(f.name().equals(HOP) || f.name().equals(START))).toList();
    for (DataField field : entityFields)
      if (!KeyCodec.supports(field.type()))
        throw unsupported(table, "has a key of the type " + field.type());
    for (String key : schema.bucketKeys())
      if (entityFields.stream().noneMatch(f -> f.name().equals(key)))
        throw unsupported(
            table,
            "has the bucket key " + key + ", which is not a key of the entity, "
                + "so an entity's tiles are in several buckets");
    entityPositions = entityFields.stream().mapToInt(f -> rowType.getFieldIndex(f.name()))
        .toArray();
    keys = new KeyCodec(entityFields, entityPositions);
    keyParts =
        keyFields.stream()
            .mapToInt(f -> tiled && f.name().equals(HOP) ? -1 : tiled && f.name().equals(START) ? -2
                : entityFields.indexOf(f))
            .toArray();
    hopGetter = tiled ? getter(HOP) : row -> 0L;
    startGetter = tiled ? getter(START) : row -> 0L;
  }

  private InternalRow.FieldGetter getter(String name) {
    int at = rowType.getFieldIndex(name);
    return InternalRow.createFieldGetter(rowType.getTypeAt(at), at);
  }

  private static LookupException unsupported(FileStoreTable table, String why) {
    return new LookupException(Code.UNSUPPORTED, "the table " + table.name() + " " + why);
  }

  long hopOf(InternalRow row) {
    return ((Number) hopGetter.getFieldOrNull(row)).longValue();
  }

  long startOf(InternalRow row) {
    return ((Number) startGetter.getFieldOrNull(row)).longValue();
  }

  /** The key row of an entity, whose hop and start are set for each lookup. */
  GenericRow keyRow(Object[] entity) {
    GenericRow row = new GenericRow(keyParts.length);
    for (int i = 0; i < keyParts.length; i++) if (keyParts[i] >= 0)
      row.setField(i, entity[keyParts[i]]);
    return row;
  }

  void setTile(GenericRow key, long hop, long start) {
    for (int i = 0; i < keyParts.length; i++) if (keyParts[i] < 0)
      key.setField(i, keyParts[i] == -1 ? hop : start);
  }

  /** Computes the bucket of an entity. Each thread needs its own instance, which reuses a row. */
  Bucketing bucketing() {
    int[] positions = schema.bucketKeys().stream().mapToInt(rowType::getFieldIndex).toArray();
    Projection projection = CodeGenUtils.newProjection(rowType, positions);
    DefaultBucketFunction function = new DefaultBucketFunction();
    GenericRow full = new GenericRow(rowType.getFieldCount());
    return entity -> {
      for (int i = 0; i < entity.length; i++) full.setField(entityPositions[i], entity[i]);
      return function.bucket(projection.apply(full), schema.numBuckets());
    };
  }

  interface Bucketing {
    int of(Object[] entity);
  }
}
