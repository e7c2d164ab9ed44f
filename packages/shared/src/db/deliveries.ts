import type { SQL } from "drizzle-orm";
import { sql } from "drizzle-orm";
import type { EventType } from "../domain/events.ts";
import { fromNow, nowAt } from "./clock.ts";
import type { Database } from "./database.ts";

/** A delivery that this process may attempt now, with the bytes to send. */
export interface ClaimedDelivery {
  id: string;
  leaseToken: string;
  /** Attempts made before this one. */
  attempt: number;
  /** What a slow receiver holds up: its endpoint, or one of the account's 64 lanes for the URLs of its jobs. */
  lane: string;
  accountId: string;
  jobId: string | null;
  /** Null: a job's own webhook. */
  endpointId: string | null;
  /** False: the endpoint was disabled or deleted after this was written. */
  isWanted: boolean;
  url: string;
  eventId: string;
  type: EventType;
  payload: string;
  traceparent: string | null;
  sealed: SealedSecrets;
}

/** What signs a delivery: the endpoint's secret; the job's own, else the account's. While a rotation lasts the one before, too. */
export interface SealedSecrets {
  endpoint: string | null;
  endpointBefore: string | null;
  job: string | null;
  account: string;
  accountBefore: string | null;
}

export interface ClaimRequest extends LaneRooms {
  /** Deliveries at most. */
  limit: number;
  leaseSeconds: number;
  /** Default: the database's clock. */
  now?: Date | undefined;
}

export interface LaneRooms {
  /** How many deliveries of each lane that is known. */
  lanes: ReadonlyMap<string, number>;
  /** Deliveries at most of lanes that are not, one each. */
  strangers: number;
}

export interface DeliveryClaim {
  deliveries: ClaimedDelivery[];
  /** Milliseconds until something else is due, or null when nothing waits for its time. */
  nextInMs: number | null;
}

/** Where nothing is due there is one row, of nothing. */
type Row = (ClaimedDelivery | { id: null }) & { inMs: number | null };

/**
 * Leases due deliveries by a committed update; nothing is locked while HTTP runs. The commit does not wait for the disk: a lease
 * that a crash of the server takes back is one that ran out early, and what was sent under it is sent again under its own id.
 */
export async function claimDeliveries(db: Database, request: ClaimRequest): Promise<DeliveryClaim> {
  const now = nowAt(request.now);
  const rows = await db.execute<Row & Record<string, unknown>>(sql`
    with recursive ${dueDeliveries(request)},
    leased as (
      update deliveries d set
        lease_token = gen_random_uuid()::text,
        next_attempt_at = ${fromNow(request.leaseSeconds, request.now)}
      where d.id in (select id from due)
      returning d.*
    ),
    next as (
      select next_attempt_at from deliveries where status = 'pending' and next_attempt_at > ${now}
      order by next_attempt_at limit 1
    ),
    claimed as (${claimedDeliveries(now)}),
    hasty as (select set_config('synchronous_commit', 'off', true))
    select claimed.*, (select extract(epoch from next_attempt_at - ${now}) * 1000 from next)::float8 as "inMs"
    from hasty left join claimed on true order by claimed."eventId"`);
  return { deliveries: rows.filter(isClaimed), nextInMs: rows[0]?.inMs ?? null };
}

/**
 * The due deliveries of each lane that has room, as `due` of a recursive WITH; strangers first, who have few places. The lanes
 * are found by leaps through the index, one a lane, and of a lane no more rows are read than it has room for: ten thousand that
 * wait for a sick receiver cost one leap. Exported for the test that reads its plan.
 */
export function dueDeliveries({ limit, lanes, strangers, now: at }: ClaimRequest): SQL {
  const now = nowAt(at);
  const [names, rooms] = [JSON.stringify([...lanes.keys()]), JSON.stringify([...lanes.values()])];
  const ofLane = sql`
    select id from deliveries where status = 'pending' and lane = open.lane and next_attempt_at <= ${now}
    order by next_attempt_at limit open.room for update skip locked`;
  return sql`
    waiting (lane, next_attempt_at) as (
      (select lane, next_attempt_at from deliveries where status = 'pending' order by lane, next_attempt_at limit 1)
      union all
      select leap.lane, leap.next_attempt_at from waiting, lateral (
        select d.lane, d.next_attempt_at from deliveries d where d.status = 'pending' and d.lane > waiting.lane
        order by d.lane, d.next_attempt_at limit 1
      ) leap
    ),
    known (lane, room) as (
      select lane, room::int from rows from (
        jsonb_array_elements_text(${names}::jsonb), jsonb_array_elements_text(${rooms}::jsonb)) as k (lane, room)
    ),
    open as materialized (
      select waiting.lane, coalesce(known.room, 1) as room, known.lane is null as is_stranger
      from waiting left join known using (lane)
      where waiting.next_attempt_at <= ${now} and coalesce(known.room, 1) > 0 order by waiting.next_attempt_at
    ),
    due as materialized (
      select id from (
        (select d.id from open, lateral (${ofLane}) d where open.is_stranger limit ${strangers})
        union all
        (select d.id from open, lateral (${ofLane}) d where not open.is_stranger limit ${limit})
      ) found limit ${limit}
    )`;
}

function claimedDeliveries(now: SQL): SQL {
  return sql`
    select leased.id, leased.lease_token as "leaseToken", leased.attempt, leased.lane, leased.account_id as "accountId",
      leased.job_id as "jobId", leased.endpoint_id as "endpointId", coalesce(endpoint.enabled, true) as "isWanted",
      coalesce(endpoint.url, leased.url) as url, leased.event_id as "eventId", events.type,
      case when leased.payload = 'full' then coalesce(events.payload_full, events.payload) else events.payload end as payload,
      jobs.traceparent,
      json_build_object('endpoint', endpoint.secret_sealed,
        'endpointBefore', case when endpoint.previous_secret_until > ${now} then endpoint.previous_secret_sealed end,
        'job', jobs.webhook_secret_sealed, 'account', accounts.webhook_secret_sealed, 'accountBefore',
        case when accounts.previous_webhook_secret_until > ${now} then accounts.previous_webhook_secret_sealed end) as sealed
    from leased
    join events on events.id = leased.event_id
    join accounts on accounts.id = leased.account_id
    left join webhook_endpoints endpoint on endpoint.id = leased.endpoint_id
    left join jobs on jobs.id = leased.job_id`;
}

function isClaimed<Some extends Row>(row: Some): row is Some & ClaimedDelivery {
  return row.id !== null;
}
