import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf } from "../answer.ts";
import { claimAndFinish, inBlob } from "../worker-stand-in.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

interface Page {
  data: { id: string }[];
  next_cursor: string | null;
}

const AUDIO = "RIFF....WAVE and then some sound";
const JOB = { input: { url: "https://example.com/a.wav" }, tasks: ["audio.features"] };

/** What can be done with jobs beside submitting and watching them, the same in every runtime. */
export function describeListing(open: OpenFrontDoor): void {
  describe("jobs, afterwards", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    const submitted = async (fields: object = {}) =>
      (await bodyOf(await door.send("POST", "/v1/jobs", { json: { ...JOB, ...fields } }))).id;

    test("a list is paged, and filtered by metadata", async () => {
      const ids: string[] = [];
      for (const _ of [1, 2, 3]) ids.unshift(await submitted({ metadata: { album: "Kid A" } }));
      await submitted();
      const query = "/v1/jobs?limit=2&metadata[album]=Kid%20A";
      const first = await bodyOf<Page>(await door.send("GET", query));
      const second = await bodyOf<Page>(await door.send("GET", `${query}&cursor=${first.next_cursor}`));
      expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(ids);
      expect(second.next_cursor).toBeNull();
    });

    test("a form brings the file and the job at once", async () => {
      const form = new FormData();
      form.append("file", new File([AUDIO], "a.wav", { type: "audio/wav" }));
      form.append("job", JSON.stringify({ tasks: JOB.tasks }));
      const request = new Response(form);
      const response = await door.send("POST", "/v1/jobs", {
        body: new Uint8Array(await request.clone().arrayBuffer()),
        headers: { "Content-Type": request.headers.get("Content-Type") },
      });
      expect(response.status).toBe(202);
      const { id } = await bodyOf(response);
      const [upload] = await door.owner.sql`
        select u.status, u.filename, u.size_bytes::int as size
        from uploads u join jobs j on j.upload_id = u.id where j.id = ${id}`;
      expect(upload).toEqual({ status: "complete", filename: "a.wav", size: AUDIO.length });
    });

    test("an ended job is retried and deleted", async () => {
      const id = await submitted();
      await claimAndFinish(door.owner.db, id);
      const retried = await door.send("POST", `/v1/jobs/${id}/retry`);
      expect([retried.status, await bodyOf(retried)]).toMatchObject([202, { retried_from: id }]);
      expect((await door.send("DELETE", `/v1/jobs/${id}`)).status).toBe(204);
      expect((await door.send("GET", `/v1/jobs/${id}`)).status).toBe(410);
    });

    test("a zipped result reaches those who take it so and those who don't", async () => {
      const text = JSON.stringify({ task: "audio.features", status: "succeeded", x: "y".repeat(5_000) });
      const blobKey = await stored(await gzipped(text));
      const id = await submitted();
      await claimAndFinish(door.owner.db, id, { results: [inBlob("audio.features", blobKey)] });
      const path = `/v1/jobs/${id}/result/audio.features`;
      const plain = await door.send("GET", path, { headers: { "Accept-Encoding": "identity" } });
      expect([plain.headers.get("Content-Encoding"), await plain.text()]).toEqual([null, text]);
      const zipped = await door.send("GET", path, { headers: { "Accept-Encoding": "gzip" } });
      expect(await unzipped(new Uint8Array(await zipped.arrayBuffer()))).toBe(text);
      expect(await (await door.send("GET", `/v1/jobs/${id}/result`)).text()).toContain(text);
    });

    test("models and the documents are served", async () => {
      expect((await door.send("GET", "/v1/models/silero_vad")).status).toBe(200);
      expect(await (await door.send("GET", "/docs")).text()).toContain("POST /v1/jobs");
    });

    /** Puts bytes where uploads lie. @returns the key of their blob. */
    async function stored(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
      const json = { filename: "a", content_type: "application/octet-stream", size: bytes.length };
      const upload = await bodyOf<{ id: string; put_url: string; headers: Record<string, string> }>(
        await door.send("POST", "/v1/uploads", { json }),
      );
      const put = await door.put(upload.put_url, { body: bytes, headers: upload.headers });
      expect(put.status).toBe(200);
      return `uploads/${upload.id}`;
    }
  });
}

async function gzipped(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A runtime's own fetch may have unzipped the answer already. */
async function unzipped(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (bytes[0] !== 0x1f) return new TextDecoder().decode(bytes);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}
