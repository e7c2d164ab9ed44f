import { stat } from "node:fs/promises";
import { AppError } from "@earshot/shared/domain/errors";

/** @throws AppError `input_unreachable` */
export async function requireDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch(() => null);
  if (found?.isDirectory()) return;
  throw new AppError("input_unreachable", {
    message: `There is no directory ${directory}.`,
    detail: { directory },
  });
}
