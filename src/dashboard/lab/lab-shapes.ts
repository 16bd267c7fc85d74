/** What the page takes of /v1/lab. */
export type LabLink =
    | { kind: "batch"; batchId: number }
    | { kind: "file"; path: string }
    | { kind: "record"; path: string; recordNo: number };

export interface LabRun {
    runId: number;
    experiment: string;
    state: "running" | "balanced" | "failed";
    steps: { at: string; tone: string; text: string; links: LabLink[] }[];
}

export interface LabState {
    experiments: { name: string; title: string; does: string }[];
    ingestPid: number | null;
    databasePid: number | null;
    /** The latest first. */
    runs: LabRun[];
}
