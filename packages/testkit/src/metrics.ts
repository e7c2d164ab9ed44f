import parsePrometheusTextFormat from "parse-prometheus-text-format";

/** What a process says of itself to Prometheus, read by somebody else's parser of the text format. */
export interface Metrics {
  /** Of every metric family, sorted. */
  names: readonly string[];
  /** Of the one sample with exactly these labels; of a histogram ask for `…_count` or `…_sum`. Undefined: there is none. */
  value(name: string, labels?: Record<string, string>): number | undefined;
}

export async function scrape(url: string): Promise<Metrics> {
  const response = await fetch(new URL("/metrics", url));
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`);
  return parseMetrics(await response.text());
}

/** @throws Error when it isn't the text format. */
export function parseMetrics(text: string): Metrics {
  const families = parsePrometheusTextFormat(text);
  // The parser throws the labels of histograms together: without their type it takes each line for what it is.
  const untyped = parsePrometheusTextFormat(text.replaceAll(/^# TYPE \S+ histogram$/gm, ""));
  return {
    names: families.map(({ name }) => name).toSorted(),
    value(name, labels = {}) {
      const samples = untyped.flatMap((family) => (family.name === name ? family.metrics : []));
      const sample = samples.find((candidate) => isSame(candidate.labels ?? {}, labels));
      return sample?.value === undefined ? undefined : Number(sample.value);
    },
  };
}

function isSame(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
