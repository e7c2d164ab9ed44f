import { OpenAPIHono } from "@hono/zod-openapi";
import { LIMITS } from "@earshot/shared/domain/limits";
import { resolveAccessToken } from "./access-token-principal.ts";
import { answerError, answerUnmatched, refuseInvalid } from "./answer-error.ts";
import { resolveApiKey } from "./api-key-principal.ts";
import type { Deps } from "./deps.ts";
import type { App, AppEnv } from "./env.ts";
import { resolveOidcToken } from "./oidc-principal.ts";
import { auditDenials } from "./middleware/audit-denials.ts";
import { resolveSession } from "./session-principal.ts";
import { authenticate } from "./middleware/authenticate.ts";
import type { Resolvers } from "./middleware/authenticate.ts";
import type { BodyLimit } from "./middleware/body-limit.ts";
import { bodyLimit } from "./middleware/body-limit.ts";
import { clientIp } from "./middleware/client-ip.ts";
import { cors } from "./middleware/cors.ts";
import { knownQuery } from "./middleware/known-query.ts";
import { limitAccount, limitAddress } from "./middleware/rate-limit.ts";
import { readBody } from "./middleware/read-body.ts";
import { requestEvent } from "./middleware/request-event.ts";
import { requestId } from "./middleware/request-id.ts";
import { securityHeaders } from "./middleware/security-headers.ts";
import { strictJson } from "./middleware/strict-json.ts";
import { traceparent } from "./middleware/traceparent.ts";
import { createApiKey } from "./routes/api-keys/create.ts";
import { getApiKey } from "./routes/api-keys/get.ts";
import { listApiKeys } from "./routes/api-keys/list.ts";
import { revokeApiKey } from "./routes/api-keys/revoke.ts";
import { rotateApiKey } from "./routes/api-keys/rotate.ts";
import { deleteAccount } from "./routes/account/delete.ts";
import { exportAccount } from "./routes/account/export.ts";
import { createTranscription } from "./routes/audio/transcribe.ts";
import { listAudit } from "./routes/audit/list.ts";
import { acceptInvitation } from "./routes/auth/accept.ts";
import { getCallback } from "./routes/auth/callback.ts";
import { getDevicePage, postDeviceDecision } from "./routes/auth/device-page.ts";
import { pollDevice } from "./routes/auth/device-token.ts";
import { beginDevice, DEVICE_PAGE } from "./routes/auth/device.ts";
import { endSession } from "./routes/auth/end-session.ts";
import { listSessions } from "./routes/auth/list-sessions.ts";
import { getLogin } from "./routes/auth/login.ts";
import { logout } from "./routes/auth/logout.ts";
import { openBody } from "./routes/auth/open-body.ts";
import { postLogin, postPassword } from "./routes/auth/password.ts";
import { createToken } from "./routes/auth/token.ts";
import { createEnrolment } from "./routes/boxes/create-enrolment.ts";
import { enrol } from "./routes/boxes/enrol.ts";
import { listBoxes } from "./routes/boxes/list.ts";
import { revokeBox } from "./routes/boxes/revoke.ts";
import { createBoxToken } from "./routes/boxes/token.ts";
import { getBlob } from "./routes/blobs/get.ts";
import { putBlob } from "./routes/blobs/put.ts";
import { createCalibration } from "./routes/calibrations/create.ts";
import { listCalibrations } from "./routes/calibrations/list.ts";
import { updateCalibration } from "./routes/calibrations/update.ts";
import { getDocs } from "./routes/docs/get.ts";
import { getDocsStyle } from "./routes/docs/style.ts";
import { listEventDeliveries } from "./routes/events/deliveries.ts";
import { getEvent } from "./routes/events/get.ts";
import { listEvents } from "./routes/events/list.ts";
import { listenToEvents } from "./routes/events/listen.ts";
import { redeliverEvent } from "./routes/events/redeliver.ts";
import { healthz } from "./routes/health/healthz.ts";
import { readyz } from "./routes/health/readyz.ts";
import { cancelJob } from "./routes/jobs/cancel.ts";
import { createJobFromForm } from "./routes/jobs/create-from-form.ts";
import { createJob } from "./routes/jobs/create.ts";
import { deleteJob } from "./routes/jobs/delete.ts";
import { getJobEvents } from "./routes/jobs/events.ts";
import { getJob } from "./routes/jobs/get.ts";
import { isJobForm, JOB_FORM_BYTES } from "./routes/jobs/job-form.ts";
import { listJobs } from "./routes/jobs/list.ts";
import { getResult } from "./routes/jobs/result.ts";
import { retryJob } from "./routes/jobs/retry.ts";
import { getTaskResult } from "./routes/jobs/task-result.ts";
import { getTranscript } from "./routes/jobs/transcript.ts";
import { getLimits } from "./routes/limits/get.ts";
import { changeMember } from "./routes/members/change.ts";
import { inviteMember } from "./routes/members/invite.ts";
import { listMembers } from "./routes/members/list.ts";
import { removeMember } from "./routes/members/remove.ts";
import { getMe } from "./routes/me/get.ts";
import { getModel } from "./routes/models/get.ts";
import { listModels } from "./routes/models/list.ts";
import { getOpenApi } from "./routes/openapi/get.ts";
import { searchSimilar } from "./routes/search/similar.ts";
import { getUsage } from "./routes/usage/get.ts";
import { createSpeaker } from "./routes/speakers/create.ts";
import { deleteSpeaker } from "./routes/speakers/delete.ts";
import { getSpeaker } from "./routes/speakers/get.ts";
import { listSpeakers } from "./routes/speakers/list.ts";
import { verifySpeaker } from "./routes/speakers/verify.ts";
import { completeUpload } from "./routes/uploads/complete.ts";
import { createUpload } from "./routes/uploads/create.ts";
import { listWebhookAttempts } from "./routes/webhook-endpoints/attempts.ts";
import { createWebhookEndpoint } from "./routes/webhook-endpoints/create.ts";
import { deleteWebhookEndpoint } from "./routes/webhook-endpoints/delete.ts";
import { getWebhookEndpoint } from "./routes/webhook-endpoints/get.ts";
import { listWebhookEndpoints } from "./routes/webhook-endpoints/list.ts";
import { recoverWebhookEndpoint } from "./routes/webhook-endpoints/recover.ts";
import { rotateWebhookSecret } from "./routes/webhook-endpoints/rotate-secret.ts";
import { testWebhookEndpoint } from "./routes/webhook-endpoints/test.ts";
import { updateWebhookEndpoint } from "./routes/webhook-endpoints/update.ts";
import { getJwks } from "./routes/well-known/jwks.ts";

const BODY: BodyLimit = { maxBytes: (c) => (isJobForm(c) ? JOB_FORM_BYTES : LIMITS.jsonBodyBytes) };

/** The front door. A request passes what stands here from top to bottom. */
export function createApp(deps: Deps): App {
  const app = new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid });
  app.onError(answerError);
  app.notFound(answerUnmatched(app));

  app.use(requestId());
  app.use(traceparent());
  app.use(requestEvent(deps));
  app.use(clientIp(deps));
  app.use(securityHeaders());
  app.use(cors({ origins: deps.corsOrigins }));

  // Open to all.
  app.get("/healthz", healthz());
  app.get("/readyz", readyz(deps));
  app.get("/openapi.json", getOpenApi(deps));
  getJwks(app, deps);
  app.get("/docs", getDocs(deps));
  app.get("/docs/style.css", getDocsStyle());

  // Open to whoever holds a URL that we signed.
  if (deps.blobUrlKey !== null) {
    app.put("/v1/blobs/*", putBlob(deps, deps.blobUrlKey));
    app.get("/v1/blobs/*", getBlob(deps, deps.blobUrlKey));
  }

  // Open to whoever wants to sign in, within the limits of his address.
  app.use("/v1/*", auditDenials(deps));
  app.use("/v1/*", bodyLimit(BODY));
  app.use("/v1/auth/*", limitAddress(deps, "auth"));
  app.get("/v1/auth/login", getLogin(deps));
  app.post("/v1/auth/login", ...openBody(), postLogin(deps));
  app.get("/v1/auth/callback", getCallback(deps));
  app.get(DEVICE_PAGE, getDevicePage(deps, resolversOf(deps).cookie));
  beginDevice(app, deps);
  pollDevice(app, deps);
  postPassword(app, deps);
  acceptInvitation(app, deps);

  // Open to machines, each by its own means.
  enrol(app, deps);
  createBoxToken(app, deps);

  // From here on, for an account. Each route says which scope it needs.
  app.use("/v1/*", authenticate(resolversOf(deps), deps));
  app.use("/v1/*", limitAccount(deps));
  app.use("/v1/*", knownQuery(app));
  app.use("/v1/*", readBody(BODY));
  app.use("/v1/*", strictJson());
  createUpload(app, deps);
  completeUpload(app, deps);
  createJobFromForm(app, deps);
  createJob(app, deps);
  createTranscription(app, deps);
  listJobs(app, deps);
  getJob(app, deps);
  getJobEvents(app, deps);
  getResult(app, deps);
  getTaskResult(app, deps);
  getTranscript(app, deps);
  cancelJob(app, deps);
  retryJob(app, deps);
  deleteJob(app, deps);
  searchSimilar(app, deps);
  createCalibration(app, deps);
  listCalibrations(app, deps);
  updateCalibration(app, deps);
  createSpeaker(app, deps);
  listSpeakers(app, deps);
  getSpeaker(app, deps);
  verifySpeaker(app, deps);
  deleteSpeaker(app, deps);
  createWebhookEndpoint(app, deps);
  listWebhookEndpoints(app, deps);
  getWebhookEndpoint(app, deps);
  updateWebhookEndpoint(app, deps);
  rotateWebhookSecret(app, deps);
  testWebhookEndpoint(app, deps);
  recoverWebhookEndpoint(app, deps);
  listWebhookAttempts(app, deps);
  listEvents(app, deps);
  listenToEvents(app, deps);
  getEvent(app, deps);
  listEventDeliveries(app, deps);
  redeliverEvent(app, deps);
  deleteWebhookEndpoint(app, deps);
  listAudit(app, deps);
  listModels(app, deps);
  getModel(app, deps);
  exportAccount(app, deps);
  deleteAccount(app, deps);
  getMe(app);
  getLimits(app, deps);
  getUsage(app, deps);
  createToken(app, deps);
  app.post(`${DEVICE_PAGE}/decision`, postDeviceDecision(deps));
  listSessions(app, deps);
  endSession(app, deps);
  logout(app, deps);
  inviteMember(app, deps);
  listMembers(app, deps);
  changeMember(app, deps);
  removeMember(app, deps);
  createApiKey(app, deps);
  listApiKeys(app, deps);
  getApiKey(app, deps);
  rotateApiKey(app, deps);
  revokeApiKey(app, deps);
  createEnrolment(app, deps);
  listBoxes(app, deps);
  revokeBox(app, deps);

  return app;
}

/** Who may show what. The forms exclude each other: at most one of them asks the database. */
function resolversOf(deps: Deps): Resolvers {
  const cookie = resolveSession(deps);
  return { bearer: [resolveApiKey(deps), cookie, resolveAccessToken(deps), resolveOidcToken(deps)], cookie };
}
