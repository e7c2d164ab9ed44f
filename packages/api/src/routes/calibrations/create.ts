import { doc } from "@earshot/shared/domain/doc";
import { createRoute } from "@hono/zod-openapi";
import { insertCalibration, measureCalibration } from "@earshot/shared/db/calibrations";
import { AppError } from "@earshot/shared/domain/errors";
import { LEAST_CALIBRATED_RESULTS } from "@earshot/shared/domain/mood-calibration";
import { audit } from "../../audit.ts";
import type { Deps } from "../../deps.ts";
import type { App } from "../../env.ts";
import { authorize } from "../../middleware/authorize.ts";
import { problems } from "../answers.ts";
import { CalibrationBody, calibrationBody } from "./calibration-body.ts";

const route = createRoute({
  method: "post",
  path: "/v1/calibrations",
  summary: doc("Compute from the account's own results from which probability on music.mood makes a tag"),
  middleware: authorize("account:write"),
  responses: doc(() => ({
    201: {
      description: "A new version, which is not in use yet.",
      content: { "application/json": { schema: CalibrationBody } },
    },
    ...problems("forbidden", "conflict"),
  })),
});

export function createCalibration(app: App, { db }: Pick<Deps, "db">): void {
  app.openapi(route, async (c) => {
    const { accountId } = c.var.principal;
    const measured = await measureCalibration(db, accountId);
    const { results = 0 } = measured ?? {};
    if (measured === null || results < LEAST_CALIBRATED_RESULTS) {
      throw new AppError("conflict", {
        message: `It takes ${LEAST_CALIBRATED_RESULTS} results of music.mood; there are ${results}.`,
      });
    }
    const made = await db.transaction(async (tx) => {
      const calibration = await insertCalibration(tx, accountId, measured);
      await audit(c, tx, { action: "calibration.create", target: calibration.id, detail: { results } });
      return calibration;
    });
    return c.json(calibrationBody(made), 201);
  });
}
