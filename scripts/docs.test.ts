import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./claims/read-claims.ts";

const read = (file: string) => readFileSync(join(ROOT, file), "utf8");

test("each alarm has a runbook, and no runbook is of an alarm that isn't there", () => {
  const prometheus = [...read("infra/observability/alerts.yml").matchAll(/alert: (\w+)/g)].map(
    ([, name]) => name,
  );
  const infra = globSync("infra/*.ts", { cwd: ROOT }).map(read).join("\n");
  const cloud = [...infra.matchAll(/docs\/runbooks\.md#(\w+)/g)].map(([, anchor]) => anchor);
  const runbooks = [...read("docs/runbooks.md").matchAll(/^## (\w+)$/gm)].map(([, name = ""]) => name);
  expect(cloud).toHaveLength([...infra.matchAll(/MetricAlarm\("|queueAlarm\("/g)].length);
  expect(runbooks.filter((name) => name.startsWith("Earshot")).toSorted()).toEqual(prometheus.toSorted());
  expect(
    runbooks
      .filter((name) => !name.startsWith("Earshot"))
      .map((name) => name.toLowerCase())
      .toSorted(),
  ).toEqual(cloud.toSorted());
});

test("each secret that a process reads is in docs/secrets.md, with who holds it", () => {
  const configs = globSync("packages/{api,worker,cli,shared}/src/**/*config*.ts", { cwd: ROOT }).filter(
    (file) => !file.endsWith(".test.ts"),
  );
  const source = [
    ...configs,
    "packages/shared/src/config/blobs.ts",
    "packages/cli/src/commands/owner-connection.ts",
  ]
    .map(read)
    .join("\n");
  const quoted = [...source.matchAll(/"(?!EARSHOT_)([A-Z_]+)"/g)].map(([, name = ""]) => name);
  const secrets = new Set(
    quoted.filter((name) => /(KEYS?|CREDENTIALS|DATABASE_URL|DIRECT_URL|HEADERS|ISSUERS)$/.test(name)),
  );
  expect(secrets.size).toBeGreaterThan(5);
  const page = read("docs/secrets.md");
  expect([...secrets].filter((name) => !page.includes(`| \`EARSHOT_${name}\` | `))).toEqual([]);
});
