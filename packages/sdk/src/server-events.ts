export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Parses server-sent events (WHATWG HTML, section 9.2.6) as they arrive. Comments are left out. */
export async function* serverEventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  let lastId = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return; // What has no empty line after it is no event.
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/);
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = eventOf(block, lastId);
        lastId = event.id;
        if (event.data !== "") yield event;
      }
    }
  } finally {
    // Whoever stops listening frees the connection.
    await reader.cancel().catch(() => {});
  }
}

function eventOf(block: string, lastId: string): ServerEvent {
  const event: ServerEvent = { id: lastId, event: "message", data: "" };
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const [name, value] =
      colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    if (name === "data") data.push(value);
    if (name === "event") event.event = value;
    if (name === "id") event.id = value;
  }
  return { ...event, data: data.join("\n") };
}
