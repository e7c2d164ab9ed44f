import * as z from "zod";
import { parsedBy } from "./parsed-by.ts";

/** Where a process on Node sends its spans (OTLP over HTTP, as JSON); nowhere without an address. The headers are a secret. */
export const TRACING_SHAPE = {
  OTLP_URL: z.url({ protocol: /^https?$/ }).optional(),
  OTLP_HEADERS: parsedBy(parseHeaders, "is not name=value[,name=value…]").optional(),
};

export interface TracingConfig {
  /** Of the collector's endpoint for traces, such as http://127.0.0.1:4318/v1/traces. */
  OTLP_URL?: string | undefined;
  OTLP_HEADERS?: Readonly<Record<string, string>> | undefined;
}

/** As OTEL_EXPORTER_OTLP_HEADERS has them (W3C Baggage without properties): values may be percent-encoded. */
function parseHeaders(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new TypeError("not a header");
      return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
    }),
  );
}
