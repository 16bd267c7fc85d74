/** Memory and CPU of the process that serves the page, from /metrics: every five seconds while somebody looks. */
import { signal } from "@preact/signals";
import type { Values } from "../charts/steps.ts";
import { link } from "../live/connection.ts";

interface Usage {
    residentBytes: number | null;
    /** Share of one core, since the look before. */
    cpuShare: number | null;
    /** The latest values of `cpuShare`. */
    history: Values;
}

const everyMs = 5000;
const mostPoints = 60;

export const usage = signal<Usage>({ residentBytes: null, cpuShare: null, history: new Array(mostPoints).fill(null) });

/** Call this while it is shown; ends with the function that it returns. */
export function watchUsage(): () => void {
    let before: { atMs: number; cpuSeconds: number } | null = null;
    const look = async () => {
        if (link.value !== "live" || document.visibilityState !== "visible") return;
        const response = await fetch("/metrics").catch(() => null);
        const text = response?.ok ? await response.text() : "";
        const cpuSeconds = readMetric(text, "process_cpu_seconds_total");
        const atMs = performance.now();
        const cpuShare =
            before && cpuSeconds !== null && cpuSeconds >= before.cpuSeconds
                ? (cpuSeconds - before.cpuSeconds) / ((atMs - before.atMs) / 1000)
                : null;
        before = cpuSeconds === null ? null : { atMs, cpuSeconds };
        usage.value = {
            residentBytes: readMetric(text, "process_resident_memory_bytes"),
            cpuShare,
            history: [...usage.value.history, cpuShare].slice(-mostPoints),
        };
    };
    const timer = setInterval(look, everyMs);
    const first = setTimeout(look, 500);
    return () => {
        clearInterval(timer);
        clearTimeout(first);
    };
}

function readMetric(text: string, name: string): number | null {
    const value = Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1] ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
}
