package io.millrace.join;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A value of a JSON document: a map, a list, a text, a number, a boolean or null. Spark and Flink
 * have no JSON library in common, so this is a small reader of what the platform writes.
 */
public record Json(Object value) {
  public static Json read(String text) {
    Reader reader = new Reader(text);
    Object value = reader.value();
    reader.end();
    return new Json(value);
  }

  public Json get(String name) {
    return new Json(((Map<?, ?>) value).get(name));
  }

  public Json get(int index) {
    return new Json(((List<?>) value).get(index));
  }

  public List<Json> list() {
    List<Json> items = new ArrayList<>();
    for (Object item : (List<?>) value) items.add(new Json(item));
    return items;
  }

  public boolean isNull() {
    return value == null;
  }

  public String text() {
    return (String) value;
  }

  public double number() {
    return (Double) value;
  }

  public int whole() {
    return (int) number();
  }

  public long wholeLong() {
    return (long) number();
  }

  /** Of a boolean that may be absent. */
  public boolean isTrue() {
    return Boolean.TRUE.equals(value);
  }

  private static final class Reader {
    private final String text;
    private int at;

    Reader(String text) {
      this.text = text;
    }

    Object value() {
      skip();
      char c = text.charAt(at);
      if (c == '{') return map();
      if (c == '[') return items();
      if (c == '"') return string();
      if (text.startsWith("true", at)) return word("true", true);
      if (text.startsWith("false", at)) return word("false", false);
      if (text.startsWith("null", at)) return word("null", null);
      return numeral();
    }

    void end() {
      skip();
      if (at != text.length()) throw new IllegalArgumentException("more than one JSON value");
    }

    private void skip() {
      while (at < text.length() && text.charAt(at) <= ' ') at++;
    }

    private Object word(String word, Object value) {
      at += word.length();
      return value;
    }

    private Map<String, Object> map() {
      Map<String, Object> map = new LinkedHashMap<>();
      at++;
      for (skip(); text.charAt(at) != '}'; skip()) {
        if (!map.isEmpty()) expect(',');
        skip();
        String name = string();
        skip();
        expect(':');
        map.put(name, value());
      }
      at++;
      return map;
    }

    private List<Object> items() {
      List<Object> items = new ArrayList<>();
      at++;
      for (skip(); text.charAt(at) != ']'; skip()) {
        if (!items.isEmpty()) expect(',');
        items.add(value());
      }
      at++;
      return items;
    }

    private void expect(char c) {
      if (text.charAt(at) != c)
        throw new IllegalArgumentException("JSON has " + text.charAt(at) + " at " + at);
      at++;
    }

    private String string() {
      expect('"');
      StringBuilder out = new StringBuilder();
      for (;;) {
        char c = text.charAt(at++);
        if (c == '"') return out.toString();
        if (c != '\\') {
          out.append(c);
          continue;
        }
        char escaped = text.charAt(at++);
        switch (escaped) {
          case 'b' -> out.append('\b');
          case 'f' -> out.append('\f');
          case 'n' -> out.append('\n');
          case 'r' -> out.append('\r');
          case 't' -> out.append('\t');
          case 'u' -> {
            out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
            at += 4;
          }
          default -> out.append(escaped);
        }
      }
    }

    private Double numeral() {
      int from = at;
      while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) at++;
      return Double.valueOf(text.substring(from, at));
    }
  }
}
