package io.millrace.join;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * A join in Java gives the values and statuses of the join in TypeScript, to the last bit:
 * tests/vectors/joins.jsonl.
 */
class JoinVectorsTest {
  @TestFactory
  Stream<DynamicTest> valuesAreTheSame() {
    AtomicInteger number = new AtomicInteger();
    return JoinVectors.read().map(vector -> DynamicTest.dynamicTest(
        "view " + number.getAndIncrement(), () -> check(vector)));
  }

  private static void check(Json vector) {
    JoinedView view = new JoinedView(vector.get("plan"));
    int rows = 0;
    for (Json entity : vector.get("entities").list()) {
      view.reset();
      for (Json step : entity.get("steps").list())
        if (step.get("at").isNull()) add(view, entity.get("key").text(), step);
        else rows += read(view, step);
    }
    assertTrue(rows > 5, "the vector has rows");
  }

  private static void add(JoinedView view, String key, Json step) {
    Object[] event = step.get("event").list().stream()
        .map(value -> JoinVectors.plain(value.value())).toArray();
    Json place = step.get("place");
    int partition = place.get(2).whole();
    long offset = place.get(3).wholeLong();
    assertEquals(key, view.keyOf(event, partition, offset));
    view.add(event, place.get(0).wholeLong(), place.get(1).wholeLong(), partition, offset);
  }

  private static int read(JoinedView view, Json step) {
    view.read(step.get("at").wholeLong());
    for (int i = 0; i < view.size(); i++) {
      String which = "output " + i + " at " + step.get("at").value();
      assertEquals(
          JoinVectors.plain(step.get("values").get(i).value()), view.value(i), which);
      assertEquals(step.get("statuses").get(i).whole(), view.status(i), which);
    }
    return 1;
  }

  @Test
  void theReaderOfJsonReadsWhatIsWritten() {
    Json read = Json.read(" {\"a\" : [1, -2.5e-3, true, false, null, \"x\\u00e9\\n\\\"\"], \"b\":{}} ");
    List<Object> found = new ArrayList<>();
    for (Json item : read.get("a").list()) found.add(item.value());
    List<Object> expected = new ArrayList<>(List.of(1.0, -0.0025, true, false));
    expected.add(null);
    expected.add("xé\n\"");
    assertEquals(expected, found);
    assertTrue(read.get("c").isNull());
  }
}
