import { afterAll, beforeAll } from "vitest";
import { startWranglerDev } from "../test/edge/open-wrangler-dev.ts";
import type { WranglerDev } from "../test/edge/open-wrangler-dev.ts";
import { describeAccount } from "../test/suites/describe-account.ts";
import { describeApiKeys } from "../test/suites/describe-api-keys.ts";
import { describeEvents } from "../test/suites/describe-events.ts";
import { describeJobs } from "../test/suites/describe-jobs.ts";
import { describeRefusals } from "../test/suites/describe-refusals.ts";
import { describeSessions } from "../test/suites/describe-sessions.ts";
import { describeTokens } from "../test/suites/describe-tokens.ts";
import { describeUploads } from "../test/suites/describe-uploads.ts";

let dev: WranglerDev;
beforeAll(async () => void (dev = await startWranglerDev()));
afterAll(() => dev[Symbol.asyncDispose]());

const open = () => dev.open();

// The bundle that is deployed, minified; the other suites run on its source in entry.workers.edge.test.ts.
describeAccount(open);
describeApiKeys(open);
describeEvents(open);
describeJobs(open);
describeRefusals(open);
describeSessions(open);
describeTokens(open);
describeUploads(open);
