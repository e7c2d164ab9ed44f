import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import type { ModelSpec } from "@earshot/worker/inference/manifest";
import * as z from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { isNotFound } from "../stack/secret-file.ts";
import { missingError, usageError } from "./command-error.ts";
import { licencesToAccept } from "./models-advice.ts";
import type { ModelsContext } from "./models-context.ts";

const acceptance = z.object({
  licence: z.string(),
  licence_url: z.string(),
  accepted_at: z.string(),
  /** The version of Earshot that asked. */
  version: z.string(),
});

const acceptances = z.object({ accepted: z.array(acceptance) });

type Acceptance = z.output<typeof acceptance>;

export interface LicenceOptions {
  /** Licences that the command line accepts. */
  acceptLicence?: string[];
}

/**
 * Goes on only where every licence of these models that has to be accepted is, on the command line or at an earlier time.
 * What is accepted now is remembered. @throws CommandError that names each other licence, whose work it covers, and its URL.
 */
export async function requireLicences(
  specs: readonly ModelSpec[],
  { acceptLicence = [] }: LicenceOptions,
  { home }: Pick<ModelsContext, "home">,
): Promise<void> {
  const before = await readAcceptances(home.acceptedLicences);
  const known = before.map(({ licence }) => licence);
  const open = licencesToAccept(specs).filter((licence) => !known.includes(licence));
  const refused = open.filter((licence) => !acceptLicence.includes(licence));
  if (refused.length > 0) throw refusal(specs, refused);
  if (open.length === 0) return;
  const now = open.map((licence) => acceptanceOf(licence, specs));
  await writeWhole(home.acceptedLicences, JSON.stringify({ accepted: [...before, ...now] }, null, 2));
}

function acceptanceOf(licence: string, specs: readonly ModelSpec[]): Acceptance {
  const url = specs.find((spec) => spec.licence === licence)?.licence_url ?? "";
  return {
    licence,
    licence_url: url,
    accepted_at: new Date().toISOString(),
    version: packageJson.version,
  };
}

function refusal(specs: readonly ModelSpec[], licences: readonly string[]) {
  const told = licences.map((licence) => {
    const covered = specs.filter((spec) => spec.licence === licence);
    const models = covered.map(({ id }) => id);
    const { licence_url: url, licence_note: note } = covered[0] ?? {};
    return { licence, licence_url: url, licence_note: note, models };
  });
  const lines = told.map(
    ({ licence, licence_url: url, licence_note: note = "its authors say there what it allows", models }) =>
      `${models.join(", ")}: ${licence} (${note}), ${url}`,
  );
  const flags = licences.map((licence) => `--accept-licence ${licence}`).join(" ");
  const message = `A licence has to be accepted first. ${lines.join("; ")}. Read it, then add ${flags} to this command.`;
  return usageError(message, { licences: told });
}

async function readAcceptances(path: string): Promise<Acceptance[]> {
  try {
    return acceptances.parse(JSON.parse(await readFile(path, "utf8"))).accepted;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw missingError(
      `${path} can't be read as the list of accepted licences. Remove it and accept them again.`,
    );
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${randomUUID()}`;
  try {
    await writeFile(unfinished, `${text}\n`, { flush: true });
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}
