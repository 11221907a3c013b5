package io.millrace.join;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The vectors of joins: tests/vectors/joins.ts. */
public final class JoinVectors {
  private static final Path FILE = Path.of("../tests/vectors/joins.jsonl");

  private JoinVectors() {}

  public static Stream<Json> read() {
    try {
      return Files.readAllLines(FILE).stream().map(Json::read);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A number is a text there, as JSON has no −0. */
  public static Object plain(Object value) {
    if (value instanceof Map<?, ?> map) return Double.valueOf((String) map.get("n"));
    if (!(value instanceof List<?> list)) return value;
    List<Object> items = new ArrayList<>();
    for (Object item : list) items.add(plain(item));
    return items;
  }
}
