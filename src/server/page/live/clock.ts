/** The database's clock, as far as the page can tell it: ages are by the clock that wrote the instants. */
import { signal } from "@preact/signals";

/** Ticks every second while the page is seen. */
export const nowMs = signal(Date.now());
let aheadMs = 0;

export function setClock(asOf: string): void {
    aheadMs = Date.parse(asOf) - Date.now();
    tick();
}

export function startClock(): void {
    setInterval(() => {
        if (document.visibilityState === "visible") tick();
    }, 1000);
}

function tick(): void {
    nowMs.value = Date.now() + aheadMs;
}
