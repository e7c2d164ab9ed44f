import { sha256Hex, utf8 } from "@earshot/shared/crypto/bytes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, refusalOf } from "../answer.ts";
import type { FrontDoor, OpenFrontDoor } from "./front-door.ts";

interface Announced {
  id: string;
  put_url: string;
  headers: Record<string, string>;
}

const AUDIO = utf8(`RIFF....WAVE${"and then some sound ".repeat(10)}`);

/** A file's way in, the same in every runtime and into every store. */
export function describeUploads(open: OpenFrontDoor): void {
  describe("uploads", () => {
    let door: FrontDoor;
    beforeAll(async () => void (door = await open()));
    afterAll(() => door[Symbol.asyncDispose]());

    async function announce(body = AUDIO): Promise<Announced> {
      const sha256 = await sha256Hex(body);
      const json = { filename: "a.wav", content_type: "audio/wav", size: body.byteLength, sha256 };
      const response = await door.send("POST", "/v1/uploads", { json });
      expect(response.status).toBe(201);
      return bodyOf<Announced>(response);
    }

    const jobOf = (uploadId: string) => ({ input: { upload_id: uploadId }, tasks: ["audio.features"] });

    test("a file that was announced is taken, completed, and used by a job", async () => {
      const { id, put_url: url, headers } = await announce();
      expect((await door.put(url, { headers, body: AUDIO })).status).toBe(200);
      const completed = await door.send("POST", `/v1/uploads/${id}/complete`);
      expect(await bodyOf(completed)).toEqual({ id, status: "complete", size: AUDIO.byteLength });
      expect((await door.send("POST", "/v1/jobs", { json: jobOf(id) })).status).toBe(202);
    });

    test("a job completes the upload that it names, and is refused while its file is missing", async () => {
      const { id, put_url: url, headers } = await announce();
      const submit = () => door.send("POST", "/v1/jobs", { json: jobOf(id) });
      expect(await refusalOf(await submit())).toMatchObject({ status: 409, code: "conflict" });
      await door.put(url, { headers, body: AUDIO });
      expect((await submit()).status).toBe(202);
    });

    test("another length, type or checksum than announced is refused, and a changed URL", async () => {
      const { id, put_url: url, headers } = await announce();
      const other: [string, Record<string, string>, Uint8Array<ArrayBuffer>][] = [
        [url, { ...headers, "content-length": "4" }, AUDIO.slice(0, 4)],
        [url, { ...headers, "content-type": "text/html" }, AUDIO],
        [url, { ...headers, "x-amz-checksum-sha256": btoa("0".repeat(32)) }, AUDIO],
        [url.replace(id, "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"), headers, AUDIO],
      ];
      for (const [target, otherHeaders, body] of other) {
        const { status } = await door.put(target, { headers: otherHeaders, body });
        expect([400, 403]).toContain(status);
      }
      expect(await refusalOf(await door.send("POST", `/v1/uploads/${id}/complete`))).toMatchObject({
        code: "conflict",
      });
    });

    test("a picture is no audio", async () => {
      const png = new Uint8Array([0x89, ...utf8("PNG\r\n\x1a\n"), ...AUDIO]);
      const { id, put_url: url, headers } = await announce(png);
      expect((await door.put(url, { headers, body: png })).status).toBe(200);
      expect(await refusalOf(await door.send("POST", `/v1/uploads/${id}/complete`))).toEqual({
        status: 422,
        code: "unsupported_media",
        pointers: ["/path/id"],
      });
    });
  });
}
