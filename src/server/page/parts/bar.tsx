import type { ComponentChildren } from "preact";

interface BarProps {
    name: string;
    /** From 0 to 1. */
    share: number;
    /** Colours it by what became of records. */
    outcome?: string;
    title?: string;
    /** The value, in words. */
    children: ComponentChildren;
}

/** A name, its value, and a bar below both; inside a list of them. */
export function Bar({ name, share, outcome, title, children }: BarProps) {
    return (
        <>
            <span class="bar-name" title={title}>
                {name}
            </span>
            <span class="bar-value">{children}</span>
            <span class="bar-track" aria-hidden="true">
                <span class={outcome} style={{ width: `${100 * share}%` }} />
            </span>
        </>
    );
}
