package io.millrace.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.table.functions.ScalarFunction;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The scalar functions give the same results as the expressions' JavaScript:
 * tests/vectors/scalars.jsonl. MR_TO_INT is the class ToInt.
 */
class ScalarVectorsTest {
  @TestFactory
  Stream<DynamicTest> resultsAreTheSame() {
    Map<String, java.util.List<JsonNode>> byFunction =
        Vectors.read("scalars.jsonl")
            .collect(Collectors.groupingBy(v -> v.get("function").asText()));
    return byFunction.entrySet().stream()
        .map(
            e ->
                DynamicTest.dynamicTest(
                    e.getKey() + ", " + e.getValue().size() + " calls",
                    () -> {
                      for (JsonNode vector : e.getValue()) check(vector);
                    }));
  }

  private static void check(JsonNode vector) throws ReflectiveOperationException {
    String name = vector.get("function").asText();
    ScalarFunction function = (ScalarFunction) Class.forName("io.millrace.flink.functions."
        + className(name.substring(3))).getConstructor().newInstance();
    JsonNode args = vector.get("args");
    Method eval =
        Arrays.stream(function.getClass().getMethods())
            .filter(m -> m.getName().equals("eval")
                && (m.isVarArgs() || m.getParameterCount() == args.size()))
            .findFirst()
            .orElseThrow();
    Object[] given = new Object[args.size()];
    for (int i = 0; i < given.length; i++)
      given[i] = eval.isVarArgs()
          ? text(args.get(i))
          : read(eval.getParameterTypes()[i], text(args.get(i)));
    Object result = eval.isVarArgs()
        ? eval.invoke(function, (Object) Arrays.copyOf(given, given.length, String[].class))
        : eval.invoke(function, given);
    JsonNode expected = vector.get("result");
    if (name.equals("MR_COMPARE")) result = Integer.signum((Integer) result);
    // −0 stays a result of MR_MOD until MR_FINITE, around every printed MR_MOD, removes it.
    if (name.equals("MR_MOD") && result.equals(-0.0)) result = 0.0;
    if (expected.has("hash"))
      assertEquals(expected.get("length").asText() + " " + expected.get("hash").asText(),
          ((String) result).length() + " " + result.hashCode(), vector.toString());
    else
      assertEquals(expected.isNull() ? null : read(eval.getReturnType(), text(expected)), result,
          vector.toString());
  }

  /** A long text that repeats one character is written as the character and the times. */
  private static String text(JsonNode node) {
    return node.has("repeat")
        ? node.get("repeat").asText().repeat(node.get("times").asInt())
        : node.asText();
  }

  static String className(String name) {
    return Arrays.stream(name.split("_")).map(w -> w.charAt(0) + w.substring(1).toLowerCase())
        .collect(Collectors.joining());
  }

  private static Object read(Class<?> type, String text) {
    if (type == Double.class) return Double.valueOf(text);
    if (type == Float.class) return Float.valueOf(text);
    if (type == Long.class || type == long.class) return Long.valueOf(text);
    if (type == Integer.class) return Integer.valueOf(text);
    if (type == Boolean.class) return Boolean.valueOf(text);
    return text;
  }
}
