import { hostname, userInfo } from "node:os";
import { Earshot } from "@earshot/sdk";
import { beginDeviceLogin, waitForApproval } from "../client/device-login.ts";
import { forgetSession, keepSession, sessionAt } from "../client/session-file.ts";
import { interruptedError, missingError } from "./command-error.ts";
import { readWhere } from "./connection.ts";
import type { LoginOptions } from "./login.ts";
import type { Terminal } from "./terminal.ts";

/** Has a person approve this machine, and keeps the session. @throws CommandError when nobody does. */
export async function login(options: LoginOptions, terminal: Terminal): Promise<void> {
  const { url, home } = readWhere(options, terminal.env);
  try {
    const begun = await beginDeviceLogin(
      url,
      `earshot of ${userInfo().username} at ${hostname()}`,
      terminal.signal,
    );
    terminal.err(`Open ${begun.verification_uri_complete}\nand approve the code ${begun.user_code} there.`);
    const token = await waitForApproval(url, begun, terminal.signal);
    await keepSession(home, { url, token });
  } catch (error) {
    throw terminal.signal.aborted ? interruptedError() : error;
  }
  terminal.out(options.json ? JSON.stringify({ url, signed_in: true }) : `signed in to ${url}`);
}

export async function logout(options: LoginOptions, terminal: Terminal): Promise<void> {
  const { url, home } = readWhere(options, terminal.env);
  const session = await sessionAt(home, url);
  if (session === null) throw missingError(`Nobody is signed in to ${url} here.`);
  await new Earshot({ baseUrl: url, token: session.read }).signOut({ signal: terminal.signal });
  await forgetSession(home);
  terminal.out(options.json ? JSON.stringify({ url, signed_in: false }) : `signed out of ${url}`);
}
