package io.millrace.lookup;

import java.util.List;
import org.apache.paimon.data.BinaryString;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.data.Timestamp;
import org.apache.paimon.types.DataField;
import org.apache.paimon.types.DataType;
import org.apache.paimon.types.DataTypeChecks;

/**
 * An entity's key values on the wire: text and bytes with their length, booleans as a byte, all
 * other types as a float64. The bytes are also the key of the cache.
 */
final class KeyCodec {
  private final List<DataField> fields;
  private final InternalRow.FieldGetter[] getters;

  /** @param positions of the fields in a full row */
  KeyCodec(List<DataField> fields, int[] positions) {
    this.fields = fields;
    this.getters = new InternalRow.FieldGetter[positions.length];
    for (int i = 0; i < positions.length; i++)
      getters[i] = InternalRow.createFieldGetter(fields.get(i).type(), positions[i]);
  }

  static boolean supports(DataType type) {
    return switch (type.getTypeRoot()) {
      case CHAR, VARCHAR, BINARY, VARBINARY, BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, FLOAT,
          DOUBLE, DATE -> true;
      case TIMESTAMP_WITHOUT_TIME_ZONE, TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
          DataTypeChecks.getPrecision(type) <= 3;
      default -> false;
    };
  }

  Object[] read(WireIn in) {
    Object[] values = new Object[fields.size()];
    for (int i = 0; i < values.length; i++) values[i] = read(in, fields.get(i).type());
    return values;
  }

  private static Object read(WireIn in, DataType type) {
    return switch (type.getTypeRoot()) {
      case CHAR, VARCHAR -> BinaryString.fromBytes(in.bytes(in.u32()));
      case BINARY, VARBINARY -> in.bytes(in.u32());
      case BOOLEAN -> in.u8() != 0;
      case TINYINT -> (byte) in.whole();
      case SMALLINT -> (short) in.whole();
      case INTEGER, DATE -> (int) in.whole();
      case BIGINT -> in.whole();
      case FLOAT -> (float) in.f64();
      case DOUBLE -> in.f64();
      case TIMESTAMP_WITHOUT_TIME_ZONE, TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
          Timestamp.fromEpochMillis(in.whole());
      default -> throw new IllegalStateException("a key cannot have the type  " + type);
    };
  }

  /** The same bytes, from the fields of a row. */
  ByteKey keyOf(InternalRow row) {
    WireOut out = new WireOut();
    for (InternalRow.FieldGetter getter : getters) write(out, getter.getFieldOrNull(row));
    return new ByteKey(java.util.Arrays.copyOf(out.array(), out.size()));
  }

  private static void write(WireOut out, Object value) {
    if (value instanceof BinaryString text) bytes(out, text.toBytes());
    else if (value instanceof byte[] bytes) bytes(out, bytes);
    else if (value instanceof Boolean truth) out.u8(truth ? 1 : 0);
    else if (value instanceof Timestamp time) out.f64(time.getMillisecond());
    else out.f64(((Number) value).doubleValue());
  }

  private static void bytes(WireOut out, byte[] bytes) {
    out.u32(bytes.length).bytes(bytes, 0, bytes.length);
  }
}
