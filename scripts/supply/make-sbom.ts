import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../claims/read-claims.ts";
import { pnpmOfShipped } from "./pnpm.ts";

/** CycloneDX, of which only what is read here is named. */
export interface Sbom {
  bomFormat: "CycloneDX";
  specVersion: string;
  metadata: Record<string, unknown>;
  components: Component[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}

interface Component {
  type: string;
  name: string;
  group?: string;
  version: string;
  "bom-ref": string;
  purl?: string;
  licenses?: unknown[];
  externalReferences?: { type: string; url: string; hashes?: { alg: string; content: string }[] }[];
}

/** npm's packages from the lockfile, as pnpm lists them, and the weights of the manifest, which are pulled at run time. */
export async function makeSbom(): Promise<Sbom> {
  const args = [
    "sbom",
    "--sbom-format",
    "cyclonedx",
    "--sbom-spec-version",
    "1.6",
    "--sbom-type",
    "application",
    "--prod",
  ];
  const sbom = JSON.parse(await pnpmOfShipped(...args)) as Sbom;
  return { ...sbom, components: [...sbom.components, ...(await models())] };
}

interface Manifest {
  models: {
    id: string;
    version: string;
    licence: string;
    files: { name: string; sha256: string; url: string }[];
  }[];
}

async function models(): Promise<Component[]> {
  const file = join(ROOT, "packages/shared/src/domain/models.json");
  const manifest = JSON.parse(await readFile(file, "utf8")) as Manifest;
  return manifest.models.map(({ id, version, licence, files }) => ({
    type: "machine-learning-model",
    "bom-ref": `model:${id}@${version}`,
    name: id,
    version,
    licenses: [{ license: { name: licence } }],
    externalReferences: files.map(({ url, sha256 }) => ({
      type: "distribution",
      url,
      hashes: [{ alg: "SHA-256", content: sha256 }],
    })),
  }));
}
