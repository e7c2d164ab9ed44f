export interface HeardEvent {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

/** Reads server-sent events as they come. Comments, and the time to wait before coming back, are left out. */
export async function* readEvents(response: Response): AsyncGenerator<HeardEvent, void> {
  if (response.body === null) throw new Error("the answer has no body");
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(
        block.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]),
      );
      const data = fields.get("data");
      if (data === undefined) continue;
      yield { id: fields.get("id") ?? "", event: fields.get("event") ?? "", data: JSON.parse(data) };
    }
  }
}

/** To the end of the stream. */
export async function allEvents(response: Response): Promise<HeardEvent[]> {
  const heard: HeardEvent[] = [];
  for await (const event of readEvents(response)) heard.push(event);
  return heard;
}
