import { openAtEdge } from "../test/edge/open-at-edge.ts";
import { describeListing } from "../test/suites/describe-listing.ts";
describeListing(openAtEdge);
