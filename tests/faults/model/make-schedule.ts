/** Makes a schedule from a seed: files that arrive, workers, and faults. Pure, so that a seed replays. */
import { createRandom, type Random } from "../../../src/shop/generator/random.ts";
import {
    type Content,
    type ContentOptions,
    changeOneRecord,
    makeBadContent,
    makeContent,
} from "../../support/random-files.ts";
import type { RecordPool } from "../../support/random-records.ts";

/** Makes the files of one stream, which it knows by their names. Files of one maker repeat each other's records. */
export interface FileMaker {
    prefix: string;
    make(random: Random, options: ContentOptions): Content;
    /** One that fails as a whole. */
    makeBad(random: Random, options: ContentOptions): Content;
    /** In place, and of the same length; null when there is no record for it. */
    change(random: Random, content: Content): { content: Content; at: number } | null;
    /** What befalls its files, most of which are then not left alone; by default `usualLives`, and half of them are. */
    lives?: readonly FileLife[];
}

export type FileLife = "grow" | "replace" | "overwrite" | "truncate" | "remove" | "rename" | "empty";

const usualLives: readonly FileLife[] = [
    ...(["grow", "grow", "replace", "overwrite", "truncate", "remove", "rename", "empty"] as const),
];

export function makeEventFiles(): FileMaker {
    const pool: RecordPool = { events: [] };
    return {
        prefix: "",
        make: (random, options) => makeContent(random, pool, options),
        makeBad: (random, options) => makeBadContent(random, pool, options),
        change: changeOneRecord,
    };
}

/** Faults from outside; `strike.ts` carries them out. */
export const faultKinds = [
    "kill worker",
    "freeze worker",
    "end backend",
    "cancel backends",
    "crash backend",
    "kill postmaster",
    "restart server",
    "cut connections",
    "lose answers",
    "set time-outs",
    "limit connections",
    "read staging",
    "roll back",
] as const;
/** Only where there is one. */
export const bucketFaults = ["disturb bucket"] as const;
export type FaultKind = (typeof faultKinds)[number] | (typeof bucketFaults)[number];

export type Action =
    /** Appears under its name at once, whole: by rename. Also in the place of another. */
    | { do: "put"; path: string; content: Content; bytes?: number }
    /** Written in place: as much of the content as makes `bytes` in all. */
    | { do: "grow"; path: string; content: Content; bytes: number }
    /** One record changes in place. */
    | { do: "overwrite"; path: string; content: Content; at: number }
    | { do: "truncate"; path: string; bytes: number }
    /** Goes on under another name, merged or not. */
    | { do: "rename"; path: string; to: string }
    /** Only if it is merged: before that nobody promises anything. */
    | { do: "remove"; path: string }
    | { do: "start"; worker: number; trigger: string; viaProxy: boolean; fault: PointedFault | null }
    | { do: "stop"; worker: number; signal: "SIGTERM" | "SIGINT" }
    | { do: "strike"; fault: FaultKind; worker: number; steps: number };

/** For a worker that breaks by itself: FAULT_AT and FAULT_ACTION. */
export interface PointedFault {
    at: string;
    action: string;
}

export interface Step {
    /** Loads and batches of the ledger to wait for, and no longer than this. */
    afterSteps: number;
    atMostMs: number;
    /** Where a worker runs: until all is read that its file holds, and no longer. */
    awaitsReading?: boolean;
    action: Action;
}

export const scheduleKinds = ["undisturbed", "arrivals", "disturbed"] as const;

export interface Schedule {
    seed: number;
    kind: (typeof scheduleKinds)[number];
    /** Leases that nobody renews are made to run out at once, instead of after ten seconds. */
    isHurried: boolean;
    flags: string[];
    maxRecordBytes: number;
    steps: Step[];
    /** More loads and batches than this, from the last fault on, are no work any more: something goes round in circles. */
    mostLedgerSteps: number;
    /** By path: its content in the end, and all contents before. */
    history: Map<string, PathHistory>;
}

export interface PathHistory {
    /** Every content that has been under this name, in order; the last one is the one that stays. */
    contents: Content[];
    finalBytes: number;
    /** How many bytes it had whenever a step was done, in order. */
    sizes: number[];
    /** It has another name now, and is judged under that. */
    isGone: boolean;
}

export interface ScheduleOptions {
    isLong: boolean;
    /** The fault points of the program that an ingest comes past, and what may happen there. */
    faultPoints: readonly string[];
    faultActions: readonly string[];
    /** By default `faultKinds`. */
    kinds?: readonly FaultKind[];
    /** Fresh ones for each schedule; by default those of events alone. */
    makers?: (random: Random) => FileMaker[];
}

/** Smaller chunks find no more, and take minutes where two workers share a busy core: about fifty milliseconds a chunk. */
const mostChunks = { short: 200, long: 1_000 };

/** 0 to 2⁵³ − 1. */
export function makeSchedule(seed: number, options: ScheduleOptions): Schedule {
    const { isLong } = options;
    const random = createRandom(seed);
    const kind = random.pick(["undisturbed", "arrivals", "disturbed", "disturbed", "disturbed"] as const);
    const maxRecordBytes = 2048;
    const drops = makeDrops(random, kind, maxRecordBytes, options);
    const { bytes, records } = countAll(drops);
    const chunkKiB = random.pick(
        [1, 4, 16, 64, 16_384].filter((size) => bytes <= size * 1024 * (isLong ? mostChunks.long : mostChunks.short)),
    );
    const batchRecords = random.pick([20, 200, 1_000, 500_000]);
    const flags = [
        ...["--max-chunk-bytes", `${chunkKiB}KiB`],
        ...["--max-batch-records", String(batchRecords)],
        ...["--merge-workers", String(random.between(1, 4))],
        ...["--max-record-bytes", `${maxRecordBytes}`],
        ...["--tail-settle", random.pick(["50ms", "300ms", "1s"])],
    ];
    const workers =
        kind === "undisturbed"
            ? [step(0, 0, start(random, 0, { ...options, trigger: "available-now", isQuiet: true }))]
            : makeWorkers(random, kind, options);
    const steps =
        kind === "undisturbed"
            ? [...drops.map(({ action }) => step(0, 0, action)), ...workers]
            : keepSources(interleave(random, drops, workers));
    return {
        seed,
        kind,
        isHurried: !isLong || random.chance(0.7),
        flags,
        maxRecordBytes,
        steps,
        // A chunk ends at so many bytes, or as many records as a batch may have.
        mostLedgerSteps: 200 + 10 * (bytes / (chunkKiB * 1024) + records / batchRecords + steps.length),
        history: historyOf(steps),
    };
}

function step(afterSteps: number, atMostMs: number, action: Action): Step {
    return { afterSteps, atMostMs, action };
}

/** The size of all contents there will be. */
function countAll(drops: Step[]): { bytes: number; records: number } {
    const contents = [...new Set(drops.flatMap(({ action }) => ("content" in action ? [action.content] : [])))];
    return {
        bytes: contents.reduce((sum, { bytes }) => sum + bytes.length, 0),
        records: contents.reduce((sum, content) => sum + content.records.length, 0),
    };
}

/** Each path's own changes, in their order. */
function makeDrops(
    random: Random,
    kind: Schedule["kind"],
    maxRecordBytes: number,
    { isLong, makers = () => [makeEventFiles()] }: ScheduleOptions,
): Step[] {
    const options = (records: number): ContentOptions => ({
        records,
        dirty: random.pick([0, 0.05, 0.3]),
        repeated: random.pick([0, 0.1, 0.5]),
        maxRecordBytes,
    });
    const made = makers(random).map((maker) => ({ maker, settled: [] as Content[] }));
    const lives: Step[][] = [];
    const count = random.between(4, isLong ? 40 : 16) * Math.min(2, made.length);
    for (let index = 0; index < count; index += 1) {
        const { maker, settled } = made.length === 1 ? made[0]! : random.pick(made);
        const path = `${maker.prefix}${random.pick(["a", "b", "m", "z"])}-${index}.csv`;
        const isCopy = settled.length > 0 && random.chance(0.1);
        const isBad = random.chance(0.05);
        const content = isCopy
            ? random.pick(settled)
            : isBad
              ? maker.makeBad(random, options(3))
              : maker.make(random, options(sizeOf(random, isLong)));
        if (!isBad) settled.push(content);
        const isStill = kind === "undisturbed" || isBad || isCopy || random.chance(maker.lives ? 0.2 : 0.5);
        const another = () => maker.make(random, options(random.between(0, 60)));
        const life = isStill
            ? [{ do: "put", path, content } as const]
            : makeLife(random, maker, path, content, another);
        lives.push(
            life.map((action, index) =>
                maker.lives && index > 0 && random.chance(0.5)
                    ? { ...step(0, 1_500, action), awaitsReading: true }
                    : step(random.between(0, 2), 300, action),
            ),
        );
    }
    return merge(random, lives);
}

function sizeOf(random: Random, isLong: boolean): number {
    const [least, most] = random.pick([
        [0, 2],
        [3, 60],
        [3, 60],
        [60, 400],
        isLong && random.chance(0.2) ? [5_000, 40_000] : [800, 2_500],
    ] as const);
    return random.between(least, most);
}

/** A file that is not left alone. */
function makeLife(
    random: Random,
    { prefix, change, lives = usualLives }: FileMaker,
    path: string,
    content: Content,
    another: () => Content,
): Action[] {
    const whole = content.bytes.length;
    const grown = () => growth(random, path, content);
    switch (random.pick(lives)) {
        case "replace":
            return [...grown(), { do: "put", path, content: another() }];
        case "overwrite": {
            const changed = change(random, content);
            return changed === null ? grown() : [...grown(), { do: "overwrite", path, ...changed }];
        }
        case "truncate":
            // To whole records, and not to nothing.
            return [...grown(), { do: "truncate", path, bytes: boundary(random, content) }];
        case "remove":
            return [
                { do: "put", path, content },
                { do: "remove", path },
            ];
        case "rename": {
            const letter = random.pick(["a", "b", "m", "z"]);
            const to = `${prefix}${letter}${path.slice(prefix.length + 1, -".csv".length)}-moved.csv`;
            return [...grown(), { do: "rename", path, to }];
        }
        case "empty":
            return [
                { do: "put", path, content, bytes: 0 },
                { do: "grow", path, content, bytes: whole },
            ];
        default:
            return grown();
    }
}

function boundary(random: Random, { headerBytes, records }: Content): number {
    return records.length === 0 ? headerBytes : random.pick(records).next;
}

/** In some pieces that end anywhere, also within a character. */
function growth(random: Random, path: string, content: Content): Action[] {
    const whole = content.bytes.length;
    const cuts = Array.from({ length: random.between(0, 4) }, () => random.between(1, whole)).filter(
        (cut) => cut < whole,
    );
    const sizes = [...new Set([...cuts, whole])].sort((a, b) => a - b);
    return sizes.map((bytes) => ({ do: "grow", path, content, bytes }));
}

function makeWorkers(random: Random, kind: Schedule["kind"], options: ScheduleOptions): Step[] {
    const most = random.between(1, 4);
    const isQuiet = kind === "arrivals";
    const steps: Step[] = [];
    const begin = (worker: number) => step(0, 200, start(random, worker, { ...options, isQuiet }));
    for (let worker = 0; worker < most; worker += 1) steps.push(begin(worker));
    const events = isQuiet ? random.between(0, 2) : random.between(3, options.isLong ? 20 : 7);
    // Most schedules have a favourite, so that rare kinds meet often enough.
    const kinds = options.kinds ?? faultKinds;
    const favourite = random.pick(kinds);
    for (let event = 0; event < events; event += 1) {
        const worker = random.below(most);
        if (isQuiet || random.chance(0.15)) {
            steps.push(
                step(random.between(0, 4), 500, { do: "stop", worker, signal: random.pick(["SIGTERM", "SIGINT"]) }),
            );
        } else {
            const fault = random.chance(0.4) ? favourite : random.pick(kinds);
            const strike = { do: "strike", fault, worker, steps: random.between(0, 4) } as const;
            steps.push(step(random.between(0, 4), 500, strike));
        }
        if (random.chance(0.6)) steps.push(begin(worker));
    }
    return steps;
}

function start(
    random: Random,
    worker: number,
    { trigger, isQuiet, faultPoints, faultActions }: ScheduleOptions & { trigger?: string; isQuiet: boolean },
): Action {
    const isPointed = !isQuiet && faultPoints.length > 0 && random.chance(0.35);
    return {
        do: "start",
        worker,
        trigger: trigger ?? random.pick(["20ms", "200ms", "continuous", "continuous", "available-now"]),
        viaProxy: !isQuiet && random.chance(0.5),
        fault: isPointed
            ? { at: `${random.pick(faultPoints)}:${random.between(1, 4)}`, action: random.pick(faultActions) }
            : null,
    };
}

/** Any order in which each list keeps its own. */
function merge<Item>(random: Random, lists: Item[][]): Item[] {
    const open = lists.map((list) => [...list]).filter((list) => list.length > 0);
    const merged: Item[] = [];
    while (open.length > 0) {
        const index = random.below(open.length);
        merged.push(open[index]!.shift()!);
        if (open[index]!.length === 0) open.splice(index, 1);
    }
    return merged;
}

/** A few files are there before the first worker is. */
function interleave(random: Random, drops: Step[], workers: Step[]): Step[] {
    const early = random.between(0, Math.min(6, drops.length));
    return [...drops.slice(0, early), ...merge(random, [drops.slice(early), workers])];
}

/** A ledger that went back needs the files that it had merged: promise 2 holds while they are kept. */
function keepSources(steps: Step[]): Step[] {
    const goesBack = steps.some(({ action }) => action.do === "strike" && action.fault === "roll back");
    return goesBack ? steps.filter(({ action }) => action.do !== "remove") : steps;
}

function historyOf(steps: Step[]): Map<string, PathHistory> {
    const history = new Map<string, PathHistory>();
    for (const { action } of steps) {
        if (!("path" in action)) continue;
        const path = history.get(action.path) ?? { contents: [], finalBytes: 0, sizes: [], isGone: false };
        history.set(action.path, path);
        if (action.do === "rename") {
            history.set(action.to, { ...path, contents: path.contents.slice(-1), sizes: [path.finalBytes] });
            path.isGone = true;
        }
        if ("content" in action && path.contents.at(-1) !== action.content) path.contents.push(action.content);
        if (action.do === "put" || action.do === "overwrite") path.finalBytes = action.content.bytes.length;
        if ("bytes" in action && action.bytes !== undefined) path.finalBytes = action.bytes;
        path.sizes.push(path.finalBytes);
    }
    return history;
}
