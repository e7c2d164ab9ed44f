/** Where somebody goes after he has signed in: a path of this site, whatever a link to the sign-in says. */
export function safeReturnTo(text: string | undefined): string {
  const url = URL.parse(text ?? "", "https://here.invalid");
  const isPath = text?.startsWith("/") === true && url?.origin === "https://here.invalid";
  return isPath ? `${url.pathname}${url.search}` : "/docs";
}
