const VERSION = /^(\d+)\.(\d+)\.(\d+)$/;

/**
 * `step` is `major`, `minor`, `patch` or a version itself, which must not be older than `current`.
 * @throws TypeError for anything else.
 */
export function nextVersion(current: string, step: string): string {
  const [major, minor, patch] = partsOf(current);
  switch (step) {
    case "major":
      return `${major + 1}.0.0`;
    case "minor":
      return `${major}.${minor + 1}.0`;
    case "patch":
      return `${major}.${minor}.${patch + 1}`;
    default:
      if (isOlder(partsOf(step), [major, minor, patch]))
        throw new TypeError(`${step} is older than ${current}`);
      return step;
  }
}

type Parts = [major: number, minor: number, patch: number];

function partsOf(version: string): Parts {
  const [, ...parts] = VERSION.exec(version) ?? [];
  if (parts.length < 3) throw new TypeError(`${version} is no version, and none of major, minor and patch`);
  return parts.map(Number) as Parts;
}

function isOlder(one: Parts, other: Parts): boolean {
  const index = one.findIndex((part, at) => part !== other[at]);
  return index >= 0 && (one[index] ?? 0) < (other[index] ?? 0);
}
