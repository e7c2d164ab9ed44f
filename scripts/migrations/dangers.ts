/** What a statement does to a table that others use, by the name that `-- allow NAME: reason` takes. */
export const DANGERS = {
  "index-locks-writes": "builds or drops an index while nobody may write: CONCURRENTLY, in a file of its own",
  "rewrites-table": "writes the whole table anew under a lock: add a column, fill it in batches, switch over",
  "scans-table": "reads the whole table under a lock: NOT VALID first, VALIDATE in a later file",
  "not-null-without-default": "fails on a table that has rows, and in code that does not know the column yet",
  "breaks-running-code":
    "takes away what the version that still runs may use: drop it a release after its last use",
  "changes-rows": "changes rows in one long transaction: do it in batches, outside of migrations",
  "hides-what-it-does": "is a block that nobody can judge by its text: write the statements themselves",
  "waits-for-lock":
    "may queue for a lock with every request behind it: `set local lock_timeout = '2s';` first",
  "concurrently-in-transaction": "CONCURRENTLY fails in a transaction: `-- no-transaction` as the first line",
  "several-statements": "is not alone in a file without a transaction: a failure would leave the half of it",
} as const;

export type Danger = keyof typeof DANGERS;
