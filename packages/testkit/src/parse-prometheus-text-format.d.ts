declare module "parse-prometheus-text-format" {
  /** @throws Error for a line that is not of the text format. */
  export default function parsePrometheusTextFormat(text: string): {
    name: string;
    help: string;
    type: "COUNTER" | "GAUGE" | "HISTOGRAM" | "SUMMARY" | "UNTYPED";
    metrics: {
      value?: string;
      labels?: Record<string, string>;
      buckets?: Record<string, string>;
      count?: string;
      sum?: string;
    }[];
  }[];
}
