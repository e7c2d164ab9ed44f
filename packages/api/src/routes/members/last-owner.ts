import { AppError } from "@earshot/shared/domain/errors";

export function lastOwner(): AppError {
  return new AppError("conflict", { message: "An account has one owner at least." });
}
