/** The crash lab of `bun run start --lab`, with the ingest in a process of its own for it to kill. */
import { connect } from "../../src/database/connect.ts";
import type { DatabaseTarget } from "../../src/database/database-target.ts";
import type { EmbeddedServer } from "../../src/database/embedded-server.ts";
import type { Lab } from "../../src/server/api/lab/lab-routes.ts";
import { startIngestProcess } from "./ingest-process.ts";
import { createLab } from "./lab.ts";

export interface OpenLab {
    lab: Lab;
    /** Ingests until the signal, or rejects when no restart helps. */
    run(signal: AbortSignal): Promise<null>;
}

interface OpenLabOptions {
    embedded: EmbeddedServer;
    /** Of a role that reads. */
    reader: DatabaseTarget;
    inputDir: string;
    /** Of `bun run ingest`. */
    ingestArgs: readonly string[];
    log: (line: string) => void;
}

/** The ingest begins at once. Whoever opens it must `run` it: that ends it too. */
export function openLab({ embedded, reader, inputDir, ingestArgs, log }: OpenLabOptions): OpenLab {
    const ingest = startIngestProcess({ args: ingestArgs, log });
    const sql = connect(reader, { applicationName: "sluice-lab", max: 2, connectTimeoutSeconds: 5 });
    return {
        lab: createLab({ sql, inputDir, ingest, database: embedded }),
        async run(signal) {
            const stopped = new Promise<void>((resolve) => {
                signal.addEventListener("abort", () => resolve());
                if (signal.aborted) resolve();
            });
            try {
                await Promise.race([stopped, ingest.failed]);
            } finally {
                await Promise.all([ingest.stop(), sql.end({ timeout: 0 })]);
            }
            return null;
        },
    };
}
