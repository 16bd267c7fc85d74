/** Ends a request when no byte has come for a while, or when what it is for has ended. */
export interface SilenceWatch {
    signal: AbortSignal;
    /** Something came. */
    alive(): void;
    isSilent(): boolean;
    end(): void;
    /** Closes the connection under an answer that is not read to its end. */
    cut(): void;
}

export function watchSilence(silentMs: number, signals: readonly (AbortSignal | undefined)[]): SilenceWatch {
    const controller = new AbortController();
    let isSilent = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = ({ target }: Event) => controller.abort((target as AbortSignal).reason);
    const start = () => {
        timer = setTimeout(() => {
            isSilent = true;
            controller.abort();
        }, silentMs);
    };
    for (const signal of signals) {
        if (signal?.aborted) controller.abort(signal.reason);
        signal?.addEventListener("abort", stop);
    }
    start();
    return {
        signal: controller.signal,
        alive() {
            clearTimeout(timer);
            start();
        },
        isSilent: () => isSilent,
        end() {
            clearTimeout(timer);
            for (const signal of signals) signal?.removeEventListener("abort", stop);
        },
        cut: () => controller.abort(),
    };
}
