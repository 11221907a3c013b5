package io.millrace.flink;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;

/** The shared vectors, and Flink's internal data as Avro bytes. */
final class Vectors {
  private static final Path DIRECTORY = Path.of("../tests/vectors");
  private static final ObjectMapper JSON = new ObjectMapper();

  private Vectors() {}

  static Stream<JsonNode> read(String file) {
    try {
      return Files.readAllLines(DIRECTORY.resolve(file)).stream().map(Vectors::parse);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JsonNode parse(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String hex(Schema schema, Object value) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    try {
      new GenericDatumWriter<Object>(schema).write(avro(schema, value), encoder);
      encoder.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return HexFormat.of().formatHex(bytes.toByteArray());
  }

  private static Object avro(Schema schema, Object value) {
    return switch (schema.getType()) {
      case UNION -> value == null ? null : avro(schema.getTypes().get(1), value);
      case RECORD -> {
        GenericData.Record record = new GenericData.Record(schema);
        for (Schema.Field field : schema.getFields())
          record.put(field.pos(),
              avro(field.schema(), field(field.schema(), (RowData) value, field.pos())));
        yield record;
      }
      case ARRAY -> {
        ArrayData array = (ArrayData) value;
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < array.size(); i++)
          list.add(avro(schema.getElementType(), element(schema.getElementType(), array, i)));
        yield list;
      }
      case STRING -> ((StringData) value).toString();
      default -> value;
    };
  }

  private static Object field(Schema schema, RowData row, int at) {
    if (row.isNullAt(at)) return null;
    return switch (schema.getType()) {
      case STRING -> row.getString(at);
      case INT -> row.getInt(at);
      case LONG -> row.getLong(at);
      case FLOAT -> row.getFloat(at);
      case DOUBLE -> row.getDouble(at);
      case BOOLEAN -> row.getBoolean(at);
      case ARRAY -> row.getArray(at);
      case RECORD -> row.getRow(at, schema.getFields().size());
      default -> throw new IllegalStateException(schema.toString());
    };
  }

  private static Object element(Schema schema, ArrayData array, int at) {
    return switch (schema.getType()) {
      case STRING -> array.getString(at);
      case INT -> array.getInt(at);
      case LONG -> array.getLong(at);
      case FLOAT -> array.getFloat(at);
      case DOUBLE -> array.getDouble(at);
      case BOOLEAN -> array.getBoolean(at);
      case RECORD -> array.getRow(at, schema.getFields().size());
      default -> throw new IllegalStateException(schema.toString());
    };
  }
}
