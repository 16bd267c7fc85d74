/**
 * Asks the API again and again while a run goes on: what it shows is never ahead of what is committed, never behind it,
 * and adds up within one answer (promise 9). When the database is unreachable it says so, and shows nothing.
 */

import { connect } from "../../../src/database/connect.ts";
import type { DatabaseTarget } from "../../../src/database/database-target.ts";
import { createApp } from "../../../src/server/api/create-app.ts";
import { openReadPool } from "../../../src/server/api/pools.ts";
import { eventsApi } from "../../../src/shop/api/events-api.ts";
import { jumpingClock } from "../../api/api-fixture.ts";
import { none } from "./hold-chunks.ts";
import { type Outcomes, readOutcomes } from "./read-ledger.ts";

const pauseMs = 80;
const keys = Object.keys(none()) as (keyof Outcomes)[];

interface Answer {
    totals: Outcomes;
    /** Rows of the built-in stream. */
    events: number;
    streams: { name: string; totals: Outcomes }[];
}

/** `timesBack`: how often the database has been put back to the past; numbers are not compared across that. */
export function watchNumbers(target: DatabaseTarget, timesBack: () => number) {
    const api = openReadPool(target);
    // Each look is a minute later than the one before, so that no answer is one that was kept.
    const app = createApp({
        served: eventsApi,
        sql: api,
        now: jumpingClock(),
        onFault: ({ summary }) => violations.push(`The API: ${summary}`),
    });
    const sql = connect(target, { applicationName: "model watches numbers", max: 1, connectTimeoutSeconds: 3 });
    const violations: string[] = [];
    let isOver = false;
    const watch = {
        violations,
        /** Answers that were held against the tables. */
        compared: 0,
        async stop() {
            isOver = true;
            await ended;
            await Promise.all([api.end({ timeout: 1 }), sql.end({ timeout: 1 })]);
        },
    };
    const readNow = () => readOutcomes(sql).catch(() => null);

    async function look(): Promise<void> {
        const wasBack = timesBack();
        const before = await readNow();
        const answer = await app.request("/v1/status");
        const after = await readNow();
        if (answer.status === 503) return;
        if (answer.status !== 200) {
            violations.push(`GET /v1/status answers ${answer.status}: ${await answer.text()}`);
            return;
        }
        const { totals, events, streams } = (await answer.json()) as Answer;
        for (const counts of [totals, ...streams.map((stream) => stream.totals)]) {
            const { read, inserted, updated, duplicate, superseded, deleted, conflict, rejected } = counts;
            if (read !== inserted + updated + duplicate + superseded + deleted + conflict + rejected)
                violations.push(`status does not add up: ${JSON.stringify(counts)}`);
        }
        for (const key of keys) {
            const sum = streams.reduce((total, stream) => total + stream.totals[key], 0);
            if (sum !== totals[key]) violations.push(`status shows ${totals[key]} ${key}, its streams ${sum}`);
        }
        const { inserted } = streams.find(({ name }) => name === "events")!.totals;
        if (events !== inserted) violations.push(`status shows ${events} events and ${inserted} inserted`);
        if (before === null || after === null || timesBack() !== wasBack) return;
        watch.compared += 1;
        for (const key of keys) {
            if (totals[key] < before[key]) violations.push(`status is behind: ${key} ${totals[key]} < ${before[key]}`);
            if (totals[key] > after[key]) violations.push(`status is ahead: ${key} ${totals[key]} > ${after[key]}`);
        }
    }

    const ended = (async () => {
        while (!isOver) {
            await look();
            await Bun.sleep(pauseMs);
        }
    })();
    return watch;
}
