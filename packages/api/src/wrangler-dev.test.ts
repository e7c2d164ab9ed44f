import { openWranglerDev } from "../test/edge/open-wrangler-dev.ts";
import { describeEvents } from "../test/suites/describe-events.ts";
import { describeJobs } from "../test/suites/describe-jobs.ts";

// The bundle that is deployed, minified; the other suites run on its source in entry.workers.edge.test.ts.
describeJobs(openWranglerDev);
describeEvents(openWranglerDev);
