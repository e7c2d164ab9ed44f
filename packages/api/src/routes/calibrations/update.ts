import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { useCalibration } from "@earshot/shared/db/calibrations";
import { AppError } from "@earshot/shared/domain/errors";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { IdParams, requireId } from "../ids.ts";
import { CalibrationBody, calibrationBody } from "./calibration-body.ts";

const CalibrationChange = z.strictObject({ active: z.boolean() }).meta({ id: doc("CalibrationChange") });

const route = createRoute({
  method: "patch",
  path: "/v1/calibrations/{id}",
  summary: doc("Use a calibration for jobs from now on, in the place of another, or use it no more"),
  middleware: authorize("account:write"),
  request: {
    params: IdParams,
    body: { required: true, content: { "application/json": { schema: CalibrationChange } } },
  },
  responses: doc(() => ({
    200: {
      description: "The calibration as it is now. Results that are there stay as they are.",
      content: { "application/json": { schema: CalibrationBody } },
    },
    ...problems("forbidden", "not_found", "body_too_large", "unsupported_content_type"),
  })),
});

export function updateCalibration(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const id = requireId("calibration", c.req.valid("param").id);
    const { active } = c.req.valid("json");
    const changed = await db.transaction(async (tx) => {
      const found = await useCalibration(tx, c.var.principal.accountId, { id, isActive: active });
      if (found === null) throw new AppError("not_found");
      await audit(c, tx, { action: active ? "calibration.activate" : "calibration.deactivate", target: id });
      return found;
    });
    return c.json(calibrationBody(changed), 200);
  });
}
