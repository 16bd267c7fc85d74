/**
 * Shows on stderr how far a long task is: at a terminal a bar that is drawn over, else a plain line every ten seconds. A
 * quick task shows nothing.
 */
import { formatDuration, formatNumber } from "./format.ts";

export interface ProgressState {
    done: number;
    /** Null: nobody knows, or there is no end. */
    total: number | null;
    /** The total is an estimate. */
    isEstimate?: boolean;
    /** Plural: `records`. */
    unit: string;
}

export interface Progress {
    /** Call it as often as you like. */
    update(state: ProgressState): void;
    /** A line for stdout that the bar does not get into. */
    print(line: string): void;
    /** The same for stderr. */
    log(line: string): void;
    /** Takes the bar away. Calling it twice does no harm. */
    end(): void;
}

export interface ProgressOptions {
    /** Such as the command's name. */
    label: string;
    /** Whether stderr is a terminal that can be drawn over. */
    isDrawable: boolean;
    stdout?: { write(text: string): unknown };
    stderr?: { write(text: string): unknown; columns?: number };
    /** A monotonic clock; for tests. */
    nowMs?: () => number;
    /** How often to draw, or to print a line. */
    everyMs?: number;
}

const drawEveryMs = 100;
const printEveryMs = 10_000;
/** Anything that ends sooner needs no bar. */
const firstDrawMs = 400;
/** The rate is that of the last seconds. */
const rateWindowMs = 10_000;

const clearLine = "\r\u001b[2K";

export function createProgress(options: ProgressOptions): Progress {
    const { label, isDrawable, stdout = process.stdout, stderr = process.stderr } = options;
    const { nowMs = () => performance.now(), everyMs = isDrawable ? drawEveryMs : printEveryMs } = options;
    const startedAt = nowMs();
    const meter = createMeter(nowMs);
    let state: ProgressState | null = null;
    let isDrawn = false;
    let isOver = false;
    const timer = setInterval(show, everyMs);
    timer.unref();

    function show(): void {
        if (state === null || isOver) return;
        const rate = meter.rate();
        if (!isDrawable) {
            stderr.write(`${formatPlain(label, state, rate)}\n`);
        } else if (nowMs() - startedAt >= Math.min(firstDrawMs, 4 * everyMs)) {
            stderr.write(`${clearLine}${formatBar(label, state, rate, stderr.columns ?? 80)}`);
            isDrawn = true;
        }
    }

    function clear(): void {
        if (isDrawn) stderr.write(clearLine);
        isDrawn = false;
    }

    return {
        update(next) {
            state = next;
            meter.add(next.done);
        },
        print(line) {
            clear();
            stdout.write(`${line}\n`);
        },
        log(line) {
            clear();
            stderr.write(`${line}\n`);
        },
        end() {
            clearInterval(timer);
            clear();
            isOver = true;
        },
    };
}

/** Units a second over the last ten seconds; null while nothing has been done. */
function createMeter(nowMs: () => number) {
    const samples: { atMs: number; done: number }[] = [{ atMs: nowMs(), done: 0 }];
    return {
        add(done: number): void {
            samples.push({ atMs: nowMs(), done });
            while (samples.length > 2 && samples[1]!.atMs < nowMs() - rateWindowMs) samples.shift();
        },
        rate(): number | null {
            const first = samples[0]!;
            const done = samples.at(-1)!.done - first.done;
            const seconds = (nowMs() - first.atMs) / 1000;
            return done > 0 && seconds > 0 ? done / seconds : null;
        },
    };
}

/** `ingest  ██████░░░░░░  52 %  1,234 of about 2,400 records  182/s  6.4 s left`, cut to fit the line. Pure. */
export function formatBar(label: string, state: ProgressState, rate: number | null, columns: number): string {
    const facts = describeFacts(state, rate).join("  ");
    const share = shareOf(state);
    // The last column stays empty: a full line would wrap, and drawing over it would leave the first half behind.
    const room = columns - 1;
    if (share === null) return `${label}  ${facts}`.slice(0, room);
    const percent = `${String(Math.floor(share * 100)).padStart(3)} %`;
    const width = Math.min(30, room - label.length - percent.length - facts.length - 6);
    if (width < 5) return `${label}  ${percent}  ${facts}`.slice(0, room);
    const filled = Math.floor(share * width);
    return `${label}  ${"█".repeat(filled)}${"░".repeat(width - filled)}  ${percent}  ${facts}`;
}

/** `ingest: 1,234 of about 2,400 records, 52 %, 182/s, 6.4 s left`. Pure. */
export function formatPlain(label: string, state: ProgressState, rate: number | null): string {
    const share = shareOf(state);
    const [amount, ...rest] = describeFacts(state, rate);
    return `${label}: ${[amount, ...(share === null ? [] : [`${Math.floor(share * 100)} %`]), ...rest].join(", ")}`;
}

function shareOf({ done, total }: ProgressState): number | null {
    return total === null || total <= 0 ? null : Math.min(1, done / total);
}

function describeFacts({ done, total, isEstimate = false, unit }: ProgressState, rate: number | null): string[] {
    const whole = total === null ? "" : ` of ${isEstimate ? "about " : ""}${formatNumber(Math.max(total, done))}`;
    const left = total === null || rate === null || total <= done ? null : (total - done) / rate;
    return [
        `${formatNumber(done)}${whole} ${unit}`,
        ...(rate === null ? [] : [`${rate < 10 ? rate.toFixed(1) : formatNumber(Math.round(rate))}/s`]),
        ...(left === null ? [] : [`${formatDuration(left * 1000)} left`]),
    ];
}
