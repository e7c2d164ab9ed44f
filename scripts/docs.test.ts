import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { TASK_NAMES } from "../packages/shared/src/domain/tasks.ts";
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

test("each secret has a way to renew it, on the same page", () => {
  const page = read("docs/secrets.md");
  const [, rows = ""] = page.split("|---|---|---|---|\n");
  const renewals = [...(rows.split("\n\n")[0] ?? "").matchAll(/^\| (.+?) \|.*\| (.*) \|$/gm)];
  expect(renewals.length).toBeGreaterThan(12);
  const sections = [...page.matchAll(/^### (.+)\n\n(?!#)\S/gm)].map(
    ([, heading = ""]) =>
      `#${heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-")}`,
  );
  const linked = (text: string) => [...text.matchAll(/\]\((#[\w-]+)\)/g)].map(([, anchor = ""]) => anchor);
  expect(
    renewals.filter(([, , how = ""]) => !sections.includes(linked(how)[0] ?? "")).map(([, name]) => name),
  ).toEqual([]);
  expect(sections.filter((section) => !linked(page).includes(section))).toEqual([]);
});

test("the index of docs/ leads to each page, once", () => {
  const pages = globSync("docs/**/*.md", { cwd: ROOT }).map((page) => page.slice("docs/".length));
  const listed = [...read("docs/README.md").matchAll(/\]\(([\w/-]+\.md)\)/g)].map(([, page = ""]) => page);
  expect(listed.toSorted()).toEqual(pages.filter((page) => page !== "README.md").toSorted());
});

test("each folder of the packages is in the tree of ARCHITECTURE.md", () => {
  const tree =
    read("ARCHITECTURE.md")
      .split("\n## ")
      .find((part) => part.startsWith("The tree")) ?? "";
  const folders = globSync("packages/*/src/*/", { cwd: ROOT }).map((folder) => basename(folder));
  expect(folders.length).toBeGreaterThan(25);
  expect(folders.filter((folder) => !new RegExp(`\\b${folder}/`).test(tree))).toEqual([]);
});

test("README.md's table of tasks has each task of the catalog, in its order", () => {
  const rows = [...read("README.md").matchAll(/^\| `([a-z]+\.[a-z]+)` \| /gm)].map(([, task]) => task);
  expect(rows).toEqual(TASK_NAMES);
});
