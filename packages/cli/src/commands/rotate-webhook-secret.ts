import { newWebhookSecret } from "@earshot/shared/crypto/webhook-signatures";
import { readWebhookSecret, rotateWebhookSecret } from "@earshot/shared/db/accounts";
import { recordAudit } from "@earshot/shared/db/audit";
import { AppError } from "@earshot/shared/domain/errors";
import { LIMITS } from "@earshot/shared/domain/limits";
import { readSecret, writeSecret } from "../stack/secret-file.ts";
import { readStackConfig } from "../stack/stack-config.ts";
import { readGraceHours } from "./grace-hours.ts";
import { withOwnersDatabase } from "./owner-connection.ts";
import { readSealKeys } from "./seal-keys.ts";
import type { Terminal } from "./terminal.ts";

export interface RotateWebhookSecretOptions {
  graceHours: string;
  out?: string;
  json?: true;
}

const OPERATOR = { kind: "operator", id: null } as const;

/** Old and new both sign until the grace ends. A home whose file has the old one gets the new one. @throws AppError `not_found` */
export async function rotateAccountsWebhookSecret(
  accountId: string,
  { graceHours, out, json }: RotateWebhookSecretOptions,
  terminal: Terminal,
): Promise<void> {
  const graceSeconds = readGraceHours(graceHours, LIMITS.secretGraceSeconds / 3600);
  const sealKeys = await readSealKeys(terminal.env);
  const secret = newWebhookSecret();
  const { home } = readStackConfig(terminal.env);
  await withOwnersDatabase(terminal.env, (db) =>
    db.transaction(async (tx) => {
      const old = await readWebhookSecret(tx, sealKeys, accountId);
      if ((await rotateWebhookSecret(tx, sealKeys, { accountId, secret, graceSeconds })) === null)
        throw new AppError("not_found", { message: `There is no account ${accountId}.` });
      const act = { action: "account.rotate_webhook_secret", target: accountId };
      await recordAudit(tx, { accountId, actor: OPERATOR, ...act, detail: { grace_seconds: graceSeconds } });
      // Before it counts: a new secret that could not be written down is none.
      if (out !== undefined) await writeSecret(out, secret);
      if ((await readSecret(home.webhookSecret)) === old) await writeSecret(home.webhookSecret, secret);
    }),
  );
  const shown = out === undefined ? { secret } : { file: out };
  terminal.out(
    json ? JSON.stringify({ id: accountId, ...shown, grace_seconds: graceSeconds }) : (out ?? secret),
  );
}
