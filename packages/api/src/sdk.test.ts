import { openOnNode } from "../test/open-on-node.ts";
import { describeSdk } from "../test/suites/describe-sdk.ts";

// In workerd it runs in entry.workers.edge.test.ts.
describeSdk(openOnNode);
