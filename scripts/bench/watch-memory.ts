/** The memory that a process of ours took at its peak. */
import { readFileSync } from "node:fs";
import type { Subprocess } from "bun";

const sampleMs = 50;

/**
 * Bytes, once it has ended. From /proc, by looks at its high-water mark: the resource usage of a child counts what its parent
 * had when it forked, and stands in only where there is no /proc.
 */
export function watchMemory(child: Subprocess): () => number {
    let peakBytes = 0;
    const look = () => {
        try {
            const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
            const kibibytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
            peakBytes = Math.max(peakBytes, kibibytes * 1024);
        } catch {
            // It has ended, or this is no Linux.
        }
    };
    const timer = setInterval(look, sampleMs);
    child.exited.finally(() => clearInterval(timer));
    return () => peakBytes || child.resourceUsage()!.maxRSS;
}
