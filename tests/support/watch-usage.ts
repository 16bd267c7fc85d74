/** The most memory and descriptors that a process takes. */
import { readdirSync, readFileSync } from "node:fs";

export interface Usage {
    memoryKiB: number;
    descriptors: number;
}

const everyMs = 100;

/** The most that any process took which was watched by this one. */
export const peak: Usage = { memoryKiB: 0, descriptors: 0 };

/** Until `stop`; `most` gives the most so far. */
export function watchUsage(pid: number) {
    const most: Usage = { memoryKiB: 0, descriptors: 0 };
    const look = () => {
        const { memoryKiB, descriptors } = usageOf(pid);
        for (const usage of [most, peak]) {
            usage.memoryKiB = Math.max(usage.memoryKiB, memoryKiB);
            usage.descriptors = Math.max(usage.descriptors, descriptors);
        }
    };
    const timer = setInterval(look, everyMs);
    return {
        most: () => ({ ...most }),
        stop: () => clearInterval(timer),
    };
}

/** Nothing where there is no /proc. */
function usageOf(pid: number): Usage {
    try {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        const memoryKiB = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
        return { memoryKiB, descriptors: readdirSync(`/proc/${pid}/fd`).length };
    } catch {
        return { memoryKiB: 0, descriptors: 0 };
    }
}
