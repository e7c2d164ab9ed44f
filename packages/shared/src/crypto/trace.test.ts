import { expect, test } from "vitest";
import { beginSpan, traceparentOf } from "./trace.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

test.each(["00", "01"])("a hop keeps the trace and its flags %s, and has a span id of its own", (flags) => {
  const span = beginSpan(`00-${TRACE}-${SPAN}-${flags}`);
  expect(span).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, isSampled: flags === "01" });
  expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(span.spanId).not.toBe(SPAN);
  expect(traceparentOf(span)).toBe(`00-${TRACE}-${span.spanId}-${flags}`);
});

test("of the flags only the one that is defined goes on", () => {
  expect(traceparentOf(beginSpan(`00-${TRACE}-${SPAN}-ff`))).toMatch(/-01$/);
});

test.each([
  null,
  undefined,
  "",
  "00-xyz",
  `01-${TRACE}-${SPAN}-01`,
  `00-${"0".repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01-more`,
])("%j begins a new trace", (traceparent) => {
  const span = beginSpan(traceparent);
  expect(span).toMatchObject({ parentSpanId: null, isSampled: true });
  expect(span.traceId).not.toBe(TRACE);
  expect(traceparentOf(span)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});
