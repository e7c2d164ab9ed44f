const PATIENCE_MS = 5_000;
const MOST_CHARACTERS = 256 * 1024;

/** JSON of a provider that the deployment names. Redirects are not followed. @throws Error without the answer's text. */
export async function fetchJson(url: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(url, {
    ...init,
    redirect: "manual",
    signal: AbortSignal.timeout(PATIENCE_MS),
    headers: { Accept: "application/json", ...init.headers },
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  if (text.length > MOST_CHARACTERS) throw new Error(`${url} answered too much`);
  return JSON.parse(text);
}
