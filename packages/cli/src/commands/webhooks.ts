import type { Command } from "commander";
import type { Delivery, Earshot, WebhookEndpoint, WebhookEndpointAttempt } from "@earshot/sdk";
import { EVENT_TYPES } from "@earshot/shared/domain/events";
import type { EventType } from "@earshot/shared/domain/events";
import { usageError } from "./command-error.ts";
import { connect } from "./connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { withConnection } from "./submit.ts";
import type { Terminal } from "./terminal.ts";
import { listen } from "./webhooks-listen.ts";
import type { ListenCommand } from "./webhooks-listen.ts";

type WebhookOptions = ConnectionOptions & { json?: true };

type CreateOptions = WebhookOptions & { events?: string; description?: string; payload?: "thin" | "full" };

const EXAMPLES = `
Examples:
  earshot webhooks listen --forward-to http://localhost:3000/hook
  earshot webhooks create https://example.com/earshot --events job.succeeded,job.failed
  earshot webhooks test whe_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD
  earshot webhooks attempts whe_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD
  earshot webhooks redeliver evt_01JAZ3M8Q4T9V6W2X5Y7Z0ABCD`;

const MOST_ATTEMPTS = 20;

/** `earshot webhooks listen|list|create|delete|test|attempts|redeliver`. */
export function addWebhooks(program: Command, terminal: Terminal): void {
  const webhooks = program
    .command("webhooks")
    .description(
      "Where an account's events are posted, what became of it, and a way to get them on this machine",
    )
    .addHelpText("after", EXAMPLES);
  const { signal } = terminal;

  withConnection(webhooks.command("listen"))
    .description("Get this account's events where no webhook can reach, and pass them on, until Ctrl-C")
    .requiredOption("--forward-to <url>", "where they are posted, signed like any webhook")
    .option("--events <types>", "only these, separated by commas")
    .option("--secret-file <path>", "sign with the secret in this file (default: a new one, shown on stderr)")
    .option("--after <sequence>", "begin after the event of this sequence (default: from now on)")
    .action(async (options: ListenCommand) =>
      listen(
        await connect(options, terminal.env),
        { ...options, types: readTypes(options.events) },
        terminal,
      ),
    );

  withConnection(webhooks.command("list"))
    .description("Show the endpoints")
    .action(async (options: WebhookOptions) => {
      const endpoints = await (await connect(options, terminal.env)).webhookEndpoints.list({ signal });
      print(endpoints, options, terminal, () => endpoints.map(endpointLine));
    });

  withConnection(webhooks.command("create"))
    .description("Name a URL that events are posted to; its secret is shown this once")
    .argument("<url>", "an https URL")
    .option(
      "--events <types>",
      "only these, separated by commas (default: all but job.started and job.progress)",
    )
    .option("--description <text>", "what it is for")
    .option("--payload <kind>", "thin, or full with the results' summaries (default: thin)")
    .action(async (url: string, { events, description, payload, ...options }: CreateOptions) => {
      const earshot = await connect(options, terminal.env);
      const request = { url, events: readTypes(events), description, payload };
      const made = await earshot.webhookEndpoints.create(request, { signal });
      print(made, options, terminal, () => [endpointLine(made), `secret ${made.secret}`]);
    });

  withConnection(webhooks.command("delete"))
    .description("Post nothing there any more")
    .argument("<id>", "the endpoint's id")
    .action(async (id: string, options: WebhookOptions) => {
      await (await connect(options, terminal.env)).webhookEndpoints.delete(id, { signal });
      print({ deleted: id }, options, terminal, () => [`deleted ${id}`]);
    });

  withConnection(webhooks.command("test"))
    .description("Send a test event to an endpoint")
    .argument("<id>", "the endpoint's id")
    .action(async (id: string, options: WebhookOptions) => {
      const sent = await (await connect(options, terminal.env)).webhookEndpoints.test(id, { signal });
      print(sent, options, terminal, () => [`${sent.event_id} is on its way`]);
    });

  withConnection(webhooks.command("attempts"))
    .description(
      `Show what was sent to an endpoint (its last ${MOST_ATTEMPTS} attempts), or every attempt for an event`,
    )
    .argument("<id>", "an endpoint's id or an event's")
    .action(async (id: string, options: WebhookOptions) => {
      const earshot = await connect(options, terminal.env);
      if (id.startsWith("evt_")) {
        const deliveries = await earshot.events.deliveries(id, { signal });
        return print(deliveries, options, terminal, () => deliveries.flatMap(deliveryLines));
      }
      const attempts = await lastAttempts(earshot, id, signal);
      print(attempts, options, terminal, () => attempts.map(attemptLine));
    });

  withConnection(webhooks.command("redeliver"))
    .description("Send an event once more, under the same id")
    .argument("<id>", "the event's id")
    .option("--endpoint <id>", "to this endpoint alone")
    .action(async (id: string, { endpoint, ...options }: WebhookOptions & { endpoint?: string }) => {
      const earshot = await connect(options, terminal.env);
      const sent = await earshot.events.redeliver(id, { endpoint_id: endpoint }, { signal });
      print(sent, options, terminal, () => sent.delivery_ids.map((delivery) => `${delivery} is on its way`));
    });
}

/** @throws CommandError for a type that is none. */
function readTypes(text: string | undefined): EventType[] | undefined {
  return text?.split(",").map((name) => {
    const type = EVENT_TYPES.find((known) => known === name.trim());
    if (type !== undefined) return type;
    throw usageError(`There is no event "${name.trim()}". The events are ${EVENT_TYPES.join(", ")}.`);
  });
}

async function lastAttempts(
  earshot: Earshot,
  id: string,
  signal: AbortSignal,
): Promise<WebhookEndpointAttempt[]> {
  const attempts: WebhookEndpointAttempt[] = [];
  for await (const attempt of earshot.webhookEndpoints.attempts(id, { limit: MOST_ATTEMPTS }, { signal })) {
    if (attempts.push(attempt) === MOST_ATTEMPTS) break;
  }
  return attempts;
}

function print(answer: unknown, { json }: WebhookOptions, terminal: Terminal, lines: () => string[]): void {
  if (json) return terminal.out(JSON.stringify(answer));
  for (const line of lines()) terminal.out(line);
}

function endpointLine({ id, url, enabled, disabled_reason: reason, events }: WebhookEndpoint): string {
  const state = enabled ? "enabled" : `disabled${reason === null ? "" : ` (${reason})`}`;
  return `${id}  ${state}  ${url}  ${events === null ? "all events" : events.join(", ")}`;
}

function attemptLine(attempt: WebhookEndpointAttempt): string {
  return `${attempt.started_at}  ${attempt.event_id}  ${attempt.type}  ${outcomeOf(attempt)}`;
}

function deliveryLines({ id, status, url, next_attempt_at: next, attempts }: Delivery): string[] {
  const head = `${id}  ${status}  ${url}${next === null ? "" : `  next attempt ${next}`}`;
  return [head, ...attempts.map((attempt) => `  ${attempt.started_at}  ${outcomeOf(attempt)}`)];
}

function outcomeOf({
  attempt,
  status_code: status,
  error,
  latency_ms: ms,
}: Delivery["attempts"][number]): string {
  return `attempt ${attempt}: ${status ?? error ?? "no answer"} (${ms} ms)`;
}
