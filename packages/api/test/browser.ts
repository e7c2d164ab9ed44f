import type { FrontDoor } from "./suites/front-door.ts";

/** As much of a browser as signing in needs: it keeps cookies by name, and follows redirects when it is told to. */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly #door: Pick<FrontDoor, "send">;

  constructor(door: Pick<FrontDoor, "send">) {
    this.#door = door;
  }

  /** Asks the API, from a page of its own. */
  async ask(method: string, path: string, options: { json?: unknown; form?: Record<string, string> } = {}) {
    const { json, form } = options;
    const response = await this.#door.send(method, path, {
      ...(json !== undefined && { json }),
      ...(form !== undefined && { body: new URLSearchParams(form).toString() }),
      headers: {
        Authorization: null,
        Origin: "https://api.test",
        Cookie: this.#cookieHeader(),
        ...(form !== undefined && { "Content-Type": "application/x-www-form-urlencoded" }),
      },
    });
    this.#keep(response);
    return response;
  }

  /** Walks through a provider's pages, which ask nothing, to the address that leads back. */
  async walk(from: string, until: string): Promise<URL> {
    let url = from;
    for (let hops = 0; hops < 10 && !url.startsWith(until); hops += 1) {
      const response = await fetch(url, { redirect: "manual", headers: { Cookie: this.#cookieHeader() } });
      this.#keep(response);
      const location = response.headers.get("Location");
      if (location === null) throw new Error(`${response.status} ${await response.text()}`);
      await response.body?.cancel();
      url = new URL(location, url).href;
    }
    return new URL(url);
  }

  #cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  #keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split(/; */);
      const name = pair.slice(0, pair.indexOf("="));
      if (attributes.includes("Max-Age=0")) this.cookies.delete(name);
      else this.cookies.set(name, pair.slice(name.length + 1));
    }
  }
}
