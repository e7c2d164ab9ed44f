import { sealKeyOf } from "../test/sealed-result.ts";
import { startApi } from "../test/api-under-test.ts";
import { openAsBox } from "../test/open-as-box.ts";
import { describeAccount } from "../test/suites/describe-account.ts";
import { startIdentityProvider } from "../test/identity-provider.ts";
import { machineRules } from "../test/machine-token.ts";
import { CALLBACK, signInRules } from "../test/sign-in-rules.ts";
import { describeApiKeys } from "../test/suites/describe-api-keys.ts";
import { describeBoxes } from "../test/suites/describe-boxes.ts";
import { describeDeviceLogin } from "../test/suites/describe-device-login.ts";
import { describeIssuerTokens } from "../test/suites/describe-issuer-tokens.ts";
import type { DoorWithIssuer } from "../test/suites/describe-issuer-tokens.ts";
import { describeJobs } from "../test/suites/describe-jobs.ts";
import { describeListing } from "../test/suites/describe-listing.ts";
import { describeRefusals } from "../test/suites/describe-refusals.ts";
import { describeSessions } from "../test/suites/describe-sessions.ts";
import { describeSignIn } from "../test/suites/describe-sign-in.ts";
import { describeTokens } from "../test/suites/describe-tokens.ts";
import { describeSealedResults } from "../test/suites/describe-sealed-results.ts";
import { describeUploads } from "../test/suites/describe-uploads.ts";
import { describeWebhooks } from "../test/suites/describe-webhooks.ts";
import type { FrontDoor, ResultRoom } from "../test/suites/front-door.ts";
import type { Deps } from "./deps.ts";
import { parseIssuers } from "./oidc/issuer-config.ts";
import { openProvider } from "./oidc/provider.ts";

/** On Node. `entry.workers.edge.test.ts` runs the same in workerd. */
async function openOnNode(overrides: Partial<Deps> = {}): Promise<FrontDoor & ResultRoom> {
  const api = await startApi(overrides);
  return {
    caller: api.caller,
    owner: api.owner,
    addCaller: api.addCaller,
    send: api.send,
    put: async (url, options) =>
      api.send("PUT", url, { ...options, headers: { Authorization: null, ...options.headers } }),
    blobs: api.deps.blobs,
    resultSealKey: await sealKeyOf(api.deps.resultKeys),
    heardJobIds: async () => api.rung.splice(0).map(({ jobId }) => jobId),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

/** The same, with a provider of identities beside it. */
function openWithProvider(): Promise<FrontDoor> {
  return openBesideProvider([CALLBACK], signInRules);
}

/** The same, with one whose machines show its tokens. */
function openWithMachines(): Promise<DoorWithIssuer> {
  return openBesideProvider([], machineRules);
}

async function openBesideProvider(
  callbacks: string[],
  rulesOf: (issuer: string) => object,
): Promise<DoorWithIssuer> {
  const identity = await startIdentityProvider(callbacks);
  const issuers = parseIssuers(JSON.stringify([rulesOf(identity.issuer)]));
  const door = await openOnNode({ providers: issuers.map((issuer) => openProvider(issuer)) });
  return {
    ...door,
    machines: { issuer: identity.issuer },
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      await identity[Symbol.asyncDispose]();
    },
  };
}

describeAccount(openOnNode);
describeApiKeys(openOnNode);
describeBoxes(openOnNode, openAsBox);
describeDeviceLogin(openOnNode);
describeJobs(openOnNode);
describeListing(openOnNode);
describeRefusals(openOnNode);
describeSessions(openOnNode);
describeSignIn(openWithProvider);
describeTokens(openOnNode);
describeIssuerTokens(openWithMachines);
describeSealedResults(openOnNode);
describeUploads(openOnNode);
describeWebhooks(openOnNode);
