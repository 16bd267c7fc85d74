/** `fs.watch` as a hint: which names changed, or that it lost track. It is never the only way to find a file. */
import { type FSWatcher, watch } from "node:fs";
import { sep } from "node:path";

export interface FolderHints {
    /** Names that the watch reported since the last look. */
    names: Set<string>;
    /** The watch lost track, or there is none: look at every file. */
    isOverflow: boolean;
    /** Names from outside (sql/engine/hints.sql), which may be forged: what cannot be seen there is left to a listing. */
    hinted?: ReadonlySet<string>;
}

export interface FolderWatch {
    /** Begins to watch if that was not possible before. */
    retry(): void;
    close(): void;
}

/** `onChange` is called at every report, with null when the watch lost track. A folder that cannot be watched is polled alone. */
export function watchFolder(
    inputDir: string,
    hasSubfolders: boolean,
    onChange: (path: string | null) => void,
): FolderWatch {
    let watcher: FSWatcher | null = null;
    const start = () => {
        try {
            const options = { persistent: false, recursive: hasSubfolders };
            // A null name is an overflow of the kernel's queue.
            watcher = watch(inputDir, options, (_event, name) => onChange(name?.replaceAll(sep, "/") ?? null));
            watcher.on("error", () => {
                watcher?.close();
                watcher = null;
                onChange(null);
            });
        } catch {
            watcher = null;
        }
    };
    start();
    return {
        retry() {
            if (watcher === null) start();
        },
        close: () => watcher?.close(),
    };
}
