/** `POST /v1/notify`: a bucket's notification says where the loader is to look. What is there, the bucket says. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Sql } from "../../../database/connect.ts";
import { leaveHints } from "../../../operations/hints/leave-hints.ts";
import { ignoredReasons, readHints } from "../../../operations/hints/read-hints.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import { answers, Problem } from "../problem.ts";
import type { Api, Context } from "../route-types.ts";
import { countSchema } from "../shapes.ts";
import { throwDatabaseProblem } from "../to-problem.ts";

export const notifyPath = "/v1/notify";

const notificationSchema = z.unknown().openapi({
    description: "As it comes from the bucket's server.",
    example: {
        Records: [
            {
                eventName: "ObjectCreated:Put",
                s3: { bucket: { name: "drops" }, object: { key: "in/2026+05/a.csv" } },
            },
        ],
    },
});

const outcomeSchema = z
    .object({
        accepted: countSchema.openapi({ description: "Reports whose object the loader will look for." }),
        ignored: z.array(z.object({ reason: z.enum(ignoredReasons), count: countSchema })).openapi({
            description:
                "not_written: the event reports something else than a new object. test_event: the bucket tries the " +
                "address. malformed: no bucket or key, or a key that cannot be decoded. other_bucket: no stream reads " +
                "it. outside_pattern: no stream's `files` fit the key. too_many: more than 1,000 reports in a request, or " +
                "5,000 hints waiting for a stream; the next listing finds the objects, and is brought forward.",
        }),
        note: z
            .string()
            .nullable()
            .openapi({ description: "What a person has to do, such as to confirm SNS's subscription." }),
    })
    .openapi("NotifyOutcome");

const postNotify = createRoute({
    method: "post",
    path: notifyPath,
    summary: "Tell the loader of new objects",
    description:
        "Takes the notifications of S3, MinIO and compatible servers, also as SNS or EventBridge wrap them, those of R2, and Pub/Sub " +
        "messages of Google Cloud Storage; or an array of such. They are hints: the loader asks the bucket for each reported " +
        "key, and takes nothing else from them. Lost ones are found by the next listing. With a token, this route takes it " +
        "also as the password of Basic authentication, since SNS sends no other. SNS sends its JSON as text/plain.",
    request: {
        body: {
            required: true,
            content: { "application/json": { schema: notificationSchema }, "text/plain": { schema: z.string() } },
        },
    },
    responses: answers("What becomes of the reports", outcomeSchema, 400, 403, 413, 415, 503),
});

export function addNotifyRoute(app: Api, { streams }: Context, workSql: Sql, onNote: (note: string) => void): void {
    app.openapi(postNotify, async (c) => {
        const type = c.req.header("content-type") ?? "";
        if (!/^(application\/json|text\/plain)\s*(;|$)/i.test(type)) {
            throw new Problem("unsupported_media_type", "Send application/json or text/plain.");
        }
        const found = readHints(parseBody(await c.req.text()));
        if (found === null) {
            throw new Problem("invalid_body", "It is no notification of S3, SNS, EventBridge, MinIO, R2 or GCS.");
        }
        const { hints, ignored, confirmAt } = found;
        const note = confirmAt === null ? null : confirmationNote(confirmAt);
        if (note !== null) onNote(note);
        const left = leaveHints(workSql, await streams.all(), hints, ignored).catch(throwDatabaseProblem);
        return c.json({ ...(await left), note }, 200);
    });
}

/** @throws Problem invalid_body */
function parseBody(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        throw new Problem("invalid_body", "The body could not be read as JSON.");
    }
}

/** Anybody may write such a message, so nothing here follows the address, and only Amazon's is shown. */
function confirmationNote(address: string): string {
    const isAmazons = URL.canParse(address) && isTopicAddress(new URL(address));
    return isAmazons
        ? `SNS asks whether it may send to ${notifyPath}. If the topic in it is yours, open this address once: ${sanitize(address, { most: 1_000 })}`
        : `A request to confirm a subscription came to ${notifyPath} with an address that is not Amazon's. Ignore it.`;
}

const isTopicAddress = ({ protocol, host }: URL) =>
    protocol === "https:" && /^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(host);
