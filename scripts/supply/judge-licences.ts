/** What `pnpm licenses list --json` answers: packages by licence. */
export type PackagesByLicence = Record<string, { name: string; versions: string[] }[]>;

/** Permissive, or of a copyleft that ends at the file (MPL). Everything else needs a look: GPL, AGPL, LGPL, SSPL, BUSL, none. */
const ALLOWED = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MPL-2.0",
  "PostgreSQL",
  "Unlicense",
  "Zlib",
]);

/** The packages whose licence is not allowed, and for which no exception gives a reason: `name@version: licence`. */
export function judgeLicences(
  packages: PackagesByLicence,
  exceptions: Record<string, string> = {},
): string[] {
  return Object.entries(packages)
    .filter(([licence]) => !isAllowed(licence))
    .flatMap(([licence, of]) =>
      of
        .filter(({ name }) => exceptions[name] === undefined)
        .map(({ name, versions }) => `${name}@${versions.join(", ")}: ${licence}`),
    );
}

/** An SPDX expression without nesting: of `OR` one has to be allowed, of `AND` all; `WITH` only adds permissions. */
function isAllowed(expression: string): boolean {
  return expression
    .replaceAll(/[()]/g, "")
    .split(/ OR /i)
    .some((choice) =>
      choice.split(/ AND /i).every((licence) => ALLOWED.has(licence.replace(/ WITH .*$/i, "").trim())),
    );
}
