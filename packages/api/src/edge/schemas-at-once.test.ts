import { describe, expect, test } from "vitest";
import * as zod from "zod";
import * as atEdge from "./without/schemas-at-once.ts";

/** As modules of the API make them. */
function schemasOf(z: typeof zod) {
  const Tag = z
    .strictObject({ name: z.string().trim().min(1), at: z.iso.datetime().nullable() })
    .meta({ id: "Tag" });
  const Thing = z
    .object({
      kind: z.enum(["a", "b"]).default("a"),
      tags: z.array(Tag).max(2),
      size: z.coerce.number().int().min(1).optional(),
      either: z.union([z.literal(1), z.string().regex(/^x/)]),
      pair: z.tuple([z.int().gt(0), z.boolean()]),
      more: z.record(z.string(), z.unknown()).describe("Anything."),
    })
    .catchall(z.string())
    .refine(({ tags }) => tags.length !== 1, "Not one")
    .transform((thing) => ({ ...thing, seen: true }));
  return { Tag, Thing, Wider: z.looseObject({}).extend({ tag: Tag.partial().optional() }) };
}

const ours = schemasOf(atEdge as unknown as typeof zod);
const theirs = schemasOf(zod);

const WHOLE = { tags: [], either: "xyz", pair: [1, true], more: { a: 1 } };

describe("a schema that is built when it is used answers as zod's own", () => {
  test.each([
    ["all of it", WHOLE],
    ["defaults, coercion and steps", { ...WHOLE, size: "7", kind: "b", other: "text" }],
    ["a field that is none", { ...WHOLE, tags: [{ name: "n", at: null, odd: 1 }] }],
    ["wrong everywhere", { kind: "c", tags: [1, 2, 3], size: 0.5, either: 2, pair: [0], more: null, x: 1 }],
    ["no object", "text"],
  ])("%s", (_what, value) => {
    const [found, expected] = [ours.Thing.safeParse(value), theirs.Thing.safeParse(value)];
    expect(found.data).toEqual(expected.data);
    expect(found.error?.issues).toEqual(expected.error?.issues);
  });

  test("within another", async () => {
    const tag = { name: " n ", at: "2026-01-01T00:00:00Z" };
    expect(await ours.Wider.parseAsync({ tag, odd: 1 })).toEqual(theirs.Wider.parse({ tag, odd: 1 }));
  });

  test("to who looks at what it is", () => {
    expect(Object.keys(ours.Tag.shape)).toEqual(["name", "at"]);
    expect(ours.Tag).toBeInstanceOf(zod.ZodObject);
    expect("_zod" in ours.Tag).toBe(true);
  });
});

test("nothing is built before it is used", () => {
  let built = 0;
  const noisy = (): string[] => {
    built += 1;
    return ["a"];
  };
  const z = atEdge as unknown as typeof zod;
  const kind = {
    get a() {
      return noisy()[0];
    },
  };
  const schema = z
    .enum(kind as { a: "a" })
    .optional()
    .describe("A kind.");
  expect(typeof schema.safeParse).toBe("function");
  expect(built).toBe(0);
  expect(schema.parse("a")).toBe("a");
  expect(built).toBeGreaterThan(0);
});
