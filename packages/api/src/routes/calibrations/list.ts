import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { listCalibrations as list } from "@earshot/shared/db/calibrations";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { CalibrationBody, calibrationBody } from "./calibration-body.ts";

const route = createRoute({
  method: "get",
  path: "/v1/calibrations",
  summary: doc("The account's calibrations of music.mood, the newest first"),
  middleware: authorize("account:read"),
  responses: doc(() => ({
    200: {
      description: "The newest 100.",
      content: {
        "application/json": {
          schema: z.object({ data: z.array(CalibrationBody) }).meta({ id: "CalibrationList" }),
        },
      },
    },
    ...problems("forbidden"),
  })),
});

export function listCalibrations(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const found = await list(db, c.var.principal.accountId);
    return c.json({ data: found.map(calibrationBody) }, 200);
  });
}
