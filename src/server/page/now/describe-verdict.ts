/** The verdict: the API's own words while it answers; else why there are none. Pure. */
import type { Status, Tone } from "../../../operations/status/status-schema.ts";
import { sanitize } from "../../../terminal/sanitize.ts";
import type { Link } from "../live/connection.ts";
import type { Problem } from "../shapes.ts";

export interface Verdict {
    /** One or two words, for the header. */
    state: string;
    tone: Tone;
    headline: string;
    detail: string;
}

export function describeVerdict(link: Link, problem: Problem | null, status: Status | null): Verdict {
    if (link === "sign_in") {
        return say("Signed out", "quiet", "A token is required.", "Use the token that the API was started with.");
    }
    if (link === "lost") {
        const detail = "The page retries every two seconds and continues from the same place. Is Sluice running?";
        return say("No connection", "bad", "The API does not answer.", detail);
    }
    if (link === "database_away") {
        const known = refusals[problem?.code ?? ""];
        if (known) return say(known.state, "bad", known.headline, problem?.detail ?? "");
        const detail =
            "Committed records are safe; the rest is read again. The page continues when the database is back.";
        return say("Database away", "bad", "Postgres does not answer.", detail);
    }
    if (!status) return say("Connecting", "quiet", "Looking…", "");
    const { state, tone, verdict } = status;
    const [headline, detail] = splitSentences(sanitize(verdict));
    const word = state === "empty" ? "Waiting" : state.charAt(0).toUpperCase() + state.slice(1);
    return say(word, tone, headline, state === "empty" ? `${detail} ${describeBeginning(status)}`.trim() : detail);
}

/** It answers, but not what was asked. */
const refusals: Record<string, { state: string; headline: string }> = {
    database_not_ready: { state: "Not set up", headline: "The database is not ready." },
    database_rights: { state: "No rights", headline: "The API may not read what it needs." },
    database_slow: { state: "Database slow", headline: "Postgres takes too long to answer." },
};

function describeBeginning({ workers }: Status): string {
    const folder = sanitize(workers[0]?.inputDir ?? "the watched folder", { most: 120 });
    const drop = `Drop a CSV into ${folder}, or run the command \`generate\`.`;
    return workers.length > 0 ? drop : `Run the command \`start\`. ${drop}`;
}

function splitSentences(text: string): [string, string] {
    const end = /[.!?](?= )/.exec(text)?.index ?? text.length;
    return [text.slice(0, end + 1), text.slice(end + 1).trim()];
}

function say(state: string, tone: Tone, headline: string, detail: string): Verdict {
    return { state, tone, headline, detail };
}
