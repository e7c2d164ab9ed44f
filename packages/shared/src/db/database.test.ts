import { expect, test } from "vitest";
import { transportSecurity } from "./database.ts";

test.each(["127.0.0.1", "localhost", "[::1]"])("a database on %s needs no encryption", (host) => {
  expect(transportSecurity(`postgres://u:p@${host}:5432/db`)).toBe(false);
});

test.each(["", "?sslmode=require", "?sslmode=prefer", "?sslmode=disable"])(
  "a remote database without sslmode=verify-full is refused (%j), and its password is not told",
  (query) => {
    const url = `postgres://u:hunter2@db.example.com/db${query}`;
    expect(() => transportSecurity(url)).toThrow(/db\.example\.com needs sslmode=verify-full/);
    expect(() => transportSecurity(url)).not.toThrow(/hunter2/);
  },
);

test("certificates are checked", () => {
  const url = "postgres://u:p@db.example.com/db?sslmode=verify-full";
  expect(transportSecurity(url)).toEqual({ rejectUnauthorized: true });
});
