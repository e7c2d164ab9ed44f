import { doc } from "@earshot/shared/domain/doc";
import type { App } from "../../env.ts";
import { answerSpoken } from "./answer-spoken.ts";
import type { SpokenDeps } from "./answer-spoken.ts";

export function createTranslation(app: App, deps: SpokenDeps): void {
  answerSpoken(app, deps, {
    path: "/v1/audio/translations",
    summary: doc("What is said in a small file, in English, asked and answered as by OpenAI's API"),
  });
}
