/** The most memory and descriptors that a process takes. */
import { readdirSync, readFileSync } from "node:fs";

export interface Usage {
    memoryKiB: number;
    descriptors: number;
}

const everyMs = 100;

export function watchUsage(pid: number) {
    const most: Usage = { memoryKiB: 0, descriptors: 0 };
    const look = () => {
        const { memoryKiB, descriptors } = usageOf(pid);
        most.memoryKiB = Math.max(most.memoryKiB, memoryKiB);
        most.descriptors = Math.max(most.descriptors, descriptors);
    };
    const timer = setInterval(look, everyMs);
    return {
        most: () => ({ ...most }),
        stop: () => clearInterval(timer),
    };
}

/** Nothing where there is no /proc. */
export function usageOf(pid: number): Usage {
    try {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        const memoryKiB = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
        return { memoryKiB, descriptors: readdirSync(`/proc/${pid}/fd`).length };
    } catch {
        return { memoryKiB: 0, descriptors: 0 };
    }
}
