/** The connections of a process, shared by its streams. */
import { connect } from "../../database/connect.ts";
import type { DatabaseTarget } from "../../database/database-target.ts";
import { faultSettings } from "../../database/faults/pass-fault-point.ts";
import { createCopyConnections } from "../stage/copy-connections.ts";
import { createMergeTurns, createTurns } from "../turns.ts";
import type { ConnectionPlan } from "./plan-connections.ts";

/** No lock that the ingest waits for lasts long: after this time somebody has forgotten it. */
const lockTimeout = "60s";
/** Shorter than the lease (lease.ts): a server that was killed may leave a connection attempt without an answer. */
const connectTimeoutSeconds = 3;
const closeDeadlineMs = 2_000;

/** Why an ingest needs connections of its own; completes a sentence. */
export const sessionsForIngest = "COPY, whose backend the ledger records, and for locks and settings of a session";

export type Connections = ReturnType<typeof openConnections>;

export function openConnections(target: DatabaseTarget, plan: ConnectionPlan, processId: string) {
    const applicationName = `sluice-${processId.slice(0, 8)}`;
    const faults = faultSettings(applicationName);
    const session = { applicationName, connectTimeoutSeconds, settings: { lock_timeout: lockTimeout } };
    const settings = { ...session.settings, ...faults.settings };
    const open = (max: number) => connect(target, { ...session, ...faults, max, settings });
    // The driver puts a statement behind a busy one when all are busy: what is short must not wait for a merge.
    const short = plan.poolConnections - plan.mostMerges;
    const mergeClients = Array.from({ length: plan.mostMerges }, () => open(1));
    const sql = short > 0 ? open(short) : mergeClients[0]!;
    // A separate connection: behind a merge a heartbeat would come too late, and a cancel would wait for its own target.
    const leaseSql = connect(target, { ...session, max: 1 });
    const copyTurns = createTurns(plan.copyConnections, plan.copyConnections);
    const copyConnections = createCopyConnections(target, `${applicationName}-copy`, copyTurns);
    return {
        applicationName,
        sql,
        turns: createMergeTurns(createTurns(plan.mergeWorkers, plan.mostMerges), mergeClients),
        leaseSql,
        copyConnections,
        async cancelMerges(): Promise<void> {
            await leaseSql`
                select pg_cancel_backend(pid)
                from pg_stat_activity
                where application_name = ${applicationName} and state = 'active' and pid <> pg_backend_pid()`.catch(
                () => {},
            );
        },
        async close(isAnswered: boolean): Promise<void> {
            const ending = { timeout: isAnswered ? 1 : 0 };
            const closing = Promise.all([
                copyConnections.close(),
                ...[sql, ...mergeClients, leaseSql].map((client) => client.end(ending)),
            ]);
            await Promise.race([closing, Bun.sleep(closeDeadlineMs)]);
        },
    };
}
