import { AppError } from "@earshot/shared/domain/errors";

/** The lane's process ended. Whatever it was asked has no answer. */
export class LaneExit extends Error {
  override readonly name = "LaneExit";
}

/** The lane answered that it could not do what it was asked. */
export class LaneFailure extends Error {
  override readonly name = "LaneFailure";
}

/** The lane took too long, and was ended. */
export class LaneTimeout extends Error {
  override readonly name = "LaneTimeout";
}

/** What goes wrong in a lane is ours to answer for; anything else, such as the caller's own abort, stays what it is. */
export function toAppError(error: unknown): unknown {
  if (error instanceof LaneExit) {
    return new AppError("internal", { message: "The process that runs the models ended.", cause: error });
  }
  if (error instanceof LaneFailure) {
    return new AppError("internal", { message: "A model could not be run.", cause: error });
  }
  if (error instanceof LaneTimeout) return new AppError("internal", { message: error.message, cause: error });
  return error;
}
