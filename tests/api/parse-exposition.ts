/** Reads /metrics as Prometheus would. */
import { expect } from "bun:test";

export interface Sample {
    name: string;
    labels: Record<string, string>;
    value: number;
}

export interface Exposition {
    samples: Sample[];
    types: Map<string, string>;
    helps: Set<string>;
}

/** A strict reader of the text format, written from its specification alone. */
export function parseExposition(text: string): Exposition {
    expect(text).toEndWith("\n");
    const samples: Sample[] = [];
    const types = new Map<string, string>();
    const helps = new Set<string>();
    for (const line of text.slice(0, -1).split("\n")) {
        const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
        if (comment) {
            const [, kind, name, rest] = comment;
            if (kind === "HELP") {
                expect(helps.has(name!)).toBe(false);
                helps.add(name!);
            } else {
                expect(types.has(name!)).toBe(false);
                expect(["counter", "gauge", "histogram"]).toContain(rest!);
                types.set(name!, rest!);
            }
            continue;
        }
        const sample = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*)\})? (-?[\d.e+-]+)$/.exec(
            line,
        );
        if (!sample) throw new Error(`not a sample: ${line}`);
        const labels = Object.fromEntries(
            [...(sample[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!]),
        );
        samples.push({ name: sample[1]!, labels, value: Number(sample[3]) });
    }
    return { samples, types, helps };
}
