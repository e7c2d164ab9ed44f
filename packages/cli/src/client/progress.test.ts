import { expect, test } from "vitest";
import { createProgress } from "./progress.ts";

function target(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 80, write: (text: string) => void written.push(text) };
}

test("on a terminal one line is drawn over and cleared at the end", () => {
  const terminal = target(true);
  const progress = createProgress(terminal);
  progress.show("decoding", 0.5);
  progress.show("decoding", 0.5);
  progress.end();
  expect(terminal.written).toEqual([
    `\r\u001b[2Kdecoding   ${"█".repeat(15)}${"░".repeat(15)}  50 %`,
    "\r\u001b[2K",
  ]);
});

test("elsewhere each stage is one plain line", () => {
  const pipe = target(false);
  const progress = createProgress(pipe);
  for (const fraction of [0, 0.5, 1]) progress.show("decoding", fraction);
  progress.show("inferring", 0);
  progress.end();
  expect(pipe.written).toEqual(["decoding\n", "inferring\n"]);
});

test("a fraction beyond its bounds draws a bar within its own", () => {
  const terminal = target(true);
  createProgress(terminal).show("decoding", 7);
  expect(terminal.written.join("")).toContain("100 %");
});
