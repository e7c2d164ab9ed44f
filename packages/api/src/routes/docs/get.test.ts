import { afterAll, beforeAll, expect, test } from "vitest";
import document from "../../../public/openapi.json" with { type: "json" };
import { startApi } from "../../../test/api-under-test.ts";
import type { ApiUnderTest } from "../../../test/api-under-test.ts";
import { docsPage } from "./page.ts";

let api: ApiUnderTest;
beforeAll(async () => void (api = await startApi()));
afterAll(() => api[Symbol.asyncDispose]());

const open = (path: string) => api.send("GET", path, { headers: { Authorization: null } });

test("the page is open to all and shows every endpoint and every shape", async () => {
  const response = await open("/docs");
  const page = await response.text();
  expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "text/html; charset=utf-8"]);
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods)) {
      expect(page).toContain(`<h2><code>${method.toUpperCase()} ${path}</code></h2>`);
    }
  }
  for (const name of Object.keys(document.components.schemas))
    expect(page).toContain(`<section id="${name}">`);
  const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  for (const id of links) expect(page).toContain(`id="${id}"`);
});

test("its policy allows nothing but the stylesheet, and it needs nothing else", async () => {
  const response = await open("/docs");
  const policy = response.headers.get("Content-Security-Policy") ?? "";
  expect(policy.split("; ")).toEqual([
    "default-src 'none'",
    "style-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
  const page = await response.text();
  expect(page).not.toMatch(/<script|<style|<img|<iframe|<form|\sstyle=|\son\w+=|javascript:|https?:\/\//i);
  const loaded = [...page.matchAll(/<link [^>]*href="([^"]+)"/g)].map(([, href]) => href);
  expect(loaded).toEqual(["/docs/style.css"]);
  const style = await open("/docs/style.css");
  expect([style.status, style.headers.get("Content-Type")]).toEqual([200, "text/css; charset=utf-8"]);
  expect(await style.text()).not.toMatch(/url\(|@import/);
});

test("what the contract says is text, whatever it holds", () => {
  const evil = `<script>alert(1)</script>"'&`;
  const page = docsPage({
    info: { title: evil, version: evil, description: evil },
    paths: {
      [`/${evil}`]: {
        get: {
          summary: evil,
          parameters: [{ name: evil, in: evil, description: evil, schema: { enum: [evil], default: evil } }],
          responses: { 200: { description: evil, content: { [evil]: { schema: { $ref: `#/a/${evil}` } } } } },
        },
      },
    },
    components: {
      schemas: { [evil]: { properties: { [evil]: { type: evil, anyOf: [{ items: { format: evil } }] } } } },
    },
  });
  expect(page).not.toContain("<script");
  expect(page).toContain("&lt;script&gt;");
});
