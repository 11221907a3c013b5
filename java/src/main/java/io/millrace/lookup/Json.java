package io.millrace.lookup;

import java.util.Base64;
import java.util.List;
import org.apache.paimon.data.Decimal;
import org.apache.paimon.data.InternalArray;
import org.apache.paimon.data.InternalMap;
import org.apache.paimon.data.InternalRow;
import org.apache.paimon.data.Timestamp;
import org.apache.paimon.types.ArrayType;
import org.apache.paimon.types.DataField;
import org.apache.paimon.types.DataType;
import org.apache.paimon.types.MapType;
import org.apache.paimon.types.RowType;

/**
 * Paimon's values as JSON from which JSON.parse gets exactly the same numbers: infinities are
 * 1e999, bytes base64, timestamps epoch ms.
 */
final class Json {
  private Json() {}

  static void write(StringBuilder out, DataType type, Object value) {
    if (value == null) {
      out.append("null");
      return;
    }
    switch (type.getTypeRoot()) {
      case CHAR, VARCHAR -> quote(out, value.toString());
      case BINARY, VARBINARY -> {
        String base64 = Base64.getEncoder().encodeToString((byte[]) value);
        out.append('"').append(base64).append('"');
      }
      case FLOAT, DOUBLE -> number(out, ((Number) value).doubleValue());
      case DECIMAL -> out.append(((Decimal) value).toBigDecimal().toPlainString());
      case TIMESTAMP_WITHOUT_TIME_ZONE, TIMESTAMP_WITH_LOCAL_TIME_ZONE ->
          out.append(((Timestamp) value).getMillisecond());
      case ARRAY -> array(out, ((ArrayType) type).getElementType(), (InternalArray) value);
      case MAP -> map(out, (MapType) type, (InternalMap) value);
      case ROW -> row(out, ((RowType) type).getFields(), (InternalRow) value);
      default -> out.append(value);
    }
  }

  private static void number(StringBuilder out, double value) {
    if (Double.isNaN(value)) out.append("null");
    else if (Double.isInfinite(value)) out.append(value > 0 ? "1e999" : "-1e999");
    else out.append(value);
  }

  private static void array(StringBuilder out, DataType element, InternalArray array) {
    InternalArray.ElementGetter getter = InternalArray.createElementGetter(element);
    out.append('[');
    for (int i = 0; i < array.size(); i++) {
      if (i > 0) out.append(',');
      write(out, element, getter.getElementOrNull(array, i));
    }
    out.append(']');
  }

  private static void map(StringBuilder out, MapType type, InternalMap map) {
    InternalArray.ElementGetter key = InternalArray.createElementGetter(type.getKeyType());
    InternalArray.ElementGetter value = InternalArray.createElementGetter(type.getValueType());
    out.append('{');
    for (int i = 0; i < map.size(); i++) {
      if (i > 0) out.append(',');
      quote(out, String.valueOf(key.getElementOrNull(map.keyArray(), i)));
      out.append(':');
      write(out, type.getValueType(), value.getElementOrNull(map.valueArray(), i));
    }
    out.append('}');
  }

  private static void row(StringBuilder out, List<DataField> fields, InternalRow row) {
    out.append('{');
    for (int i = 0; i < fields.size(); i++) {
      if (i > 0) out.append(',');
      quote(out, fields.get(i).name());
      out.append(':');
      DataType type = fields.get(i).type();
      write(out, type, InternalRow.createFieldGetter(type, i).getFieldOrNull(row));
    }
    out.append('}');
  }

  static void quote(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < 0x20 || Character.isSurrogate(c)) out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    out.append('"');
  }
}
