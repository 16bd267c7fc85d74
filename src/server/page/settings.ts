/** The visitor's choices, kept in this browser. */
import { effect, type Signal, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
export type Zone = "local" | "utc";

export const theme = kept<Theme>("theme", ["auto", "light", "dark"]);
export const zone = kept<Zone>("zone", ["local", "utc"]);

/** Whether the service runs with --lab: it says so in the page. */
export const hasLab = document.documentElement.dataset.lab === "true";

/** The theme on the screen now; canvases draw by it. */
export const shownTheme = signal<"light" | "dark">("light");

export function followTheme(): void {
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const systemIsDark = signal(system.matches);
    system.addEventListener("change", () => {
        systemIsDark.value = system.matches;
    });
    effect(() => {
        const isDark = theme.value === "dark" || (theme.value === "auto" && systemIsDark.value);
        shownTheme.value = isDark ? "dark" : "light";
        document.documentElement.dataset.theme = shownTheme.value;
    });
}

function kept<Value extends string>(name: string, values: readonly [Value, ...Value[]]): Signal<Value> {
    const key = `sluice.${name}`;
    const stored = localStorage.getItem(key);
    const value = signal<Value>(values.find((candidate) => candidate === stored) ?? values[0]);
    effect(() => localStorage.setItem(key, value.value));
    return value;
}
