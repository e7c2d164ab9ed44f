/**
 * `https://app.example.com,https://admin.example.com:8443`. No wildcard: a listed origin may use its users' sessions.
 * @throws TypeError for what is no origin.
 */
export function parseOrigins(text: string): string[] {
  return text.split(",").map((part) => {
    const origin = part.trim();
    if (!/^https?:/.test(origin) || new URL(origin).origin !== origin) throw new TypeError("not an origin");
    return origin;
  });
}
