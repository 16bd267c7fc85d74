/** `fs.watch` as a hint: which names changed, or that it lost track. It is never the only way to find a file. */
import { type FSWatcher, watch } from "node:fs";
import type { FolderHints } from "./discover-files.ts";

export interface FolderWatch {
    /** The changes reported since the last call. */
    take(): FolderHints;
    close(): void;
}

/** `onChange` is called at every report. A folder that cannot be watched is polled alone. */
export function watchFolder(inputDir: string, onChange: () => void): FolderWatch {
    let names = new Set<string>();
    let isOverflow = true;
    let watcher: FSWatcher | null = null;
    const start = () => {
        try {
            watcher = watch(inputDir, { persistent: false }, (_event, name) => {
                // A null name is an overflow of the kernel's queue.
                if (name === null) isOverflow = true;
                else names.add(name);
                onChange();
            });
            watcher.on("error", () => {
                isOverflow = true;
                watcher?.close();
                watcher = null;
            });
        } catch {
            watcher = null;
        }
    };
    start();
    return {
        take() {
            const taken = { names, isOverflow };
            names = new Set();
            isOverflow = false;
            if (watcher === null) start();
            return taken;
        },
        close: () => watcher?.close(),
    };
}
