import { newResultKey } from "../../packages/shared/src/crypto/result-keys.ts";
import { newSealKey } from "../../packages/shared/src/crypto/seal.ts";
import { expect, test } from "vitest";
import { ENVIRONMENT } from "./environment.ts";
import { recordResources } from "./record-resources.ts";
import { find, RULES } from "./rules.ts";

test("a stage for trying out keeps every rule, lists no origin and goes as a whole", async () => {
  const { app, resources } = await recordResources("dev", {
    ...ENVIRONMENT,
    EARSHOT_CORS_ORIGINS: "",
    EARSHOT_DATABASE_CA: "",
    EARSHOT_PLACEMENT: "",
    SST_SECRET_SealKeys: newSealKey("k1"),
    SST_SECRET_ResultKeys: await newResultKey("r1"),
  });
  expect(Object.entries(RULES).flatMap(([, rule]) => rule(resources))).toEqual([]);
  expect(app).toMatchObject({ protect: false, removal: "remove" });
  expect(find(resources, "AudioBucket")?.inputs.forceDestroy).toBe(true);
  expect(find(resources, "AudioCors")).toBeUndefined();
  expect(resources.find(({ name }) => name.startsWith("ApiPlacement"))?.inputs).toMatchObject({
    mode: "smart",
  });
});
