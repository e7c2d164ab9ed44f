import { testCancelOf } from "./testing/cancel.ts";

testCancelOf(1);
