import type { Command } from "commander";
import type { ExitStatus } from "./command-error.ts";
import type { ImportModelsOptions } from "./models-import.ts";
import type { PullModelsOptions } from "./models-pull.ts";
import type { Terminal } from "./terminal.ts";

const EXAMPLES = `
Examples:
  earshot models list
  earshot models pull music.mood --accept-licence CC-BY-NC-SA-4.0
  earshot models pull --all --accept-licence CC-BY-NC-SA-4.0
  earshot models import ~/Downloads/msd-musicnn-1.onnx --accept-licence CC-BY-NC-SA-4.0
  earshot models verify
  earshot models optimize

Models are looked for in EARSHOT_MODELS_DIR, then in the home's models/, where pull and import keep them, then among npm's
packages. Every file is checked against the sha256 of models.json, here and at each load. A licence is accepted once.`;

interface JsonOption {
  json?: true;
}

/** `earshot models list|pull|import|verify|optimize`. */
export function addModels(program: Command, terminal: Terminal, finish: (status: ExitStatus) => void): void {
  const models = program
    .command("models")
    .description("Model weights: what there is, what is here, and how to get the rest")
    .addHelpText("after", EXAMPLES);
  // Hashing and fetching take their time to load: whoever asks for another command need not wait for them.
  const open = async () => (await import("./models-context.ts")).openModels(terminal);

  models
    .command("list")
    .description("Show all models, with their tasks, licences and sizes, and which are here")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (options: JsonOption) => {
      const { listModels } = await import("./models-list.ts");
      await listModels(options, await open());
    });

  withLicences(models.command("pull"))
    .description("Fetch models, and what they need, from where their authors publish them")
    .argument("[names...]", "ids of models, or tasks")
    .option("--all", "all that are not here")
    .action(async (names: string[], options: PullModelsOptions) => {
      const { pullModels } = await import("./models-pull.ts");
      await pullModels(names, options, await open());
    });

  withLicences(models.command("import"))
    .description("Copy model files of this machine; they are known by their sha256")
    .argument("<path...>", "files, or directories to look through")
    .action(async (paths: string[], options: ImportModelsOptions) => {
      const { importModels } = await import("./models-import.ts");
      finish(await importModels(paths, options, await open()));
    });

  models
    .command("verify")
    .description("Check the sha256 of every model that is here; status 1 when one is wrong")
    .argument("[names...]", "ids of models, or tasks, that must be here (default: whatever is)")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (names: string[], options: JsonOption) => {
      const { verifyModelsHere } = await import("./models-verify.ts");
      finish(await verifyModelsHere(names, options, await open()));
    });

  models
    .command("optimize")
    .description(
      "Write faster graphs of models that are here; kept only if they give the same on this machine",
    )
    .argument("[names...]", "ids of models, or tasks (default: whatever is here)")
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", EXAMPLES)
    .action(async (names: string[], options: JsonOption) => {
      const { optimizeModels } = await import("./models-optimize.ts");
      finish(await optimizeModels(names, options, await open()));
    });
}

function withLicences(command: Command): Command {
  return command
    .option("--accept-licence <id>", "accept this licence; may be given several times", collect, [])
    .option("--json", "print JSON alone on stdout")
    .addHelpText("after", EXAMPLES);
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
