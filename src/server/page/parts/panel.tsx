/** A section with its title, and with its own trouble: what one panel cannot load is no other panel's business. */
import type { ComponentChildren } from "preact";
import { formatClock } from "../format.ts";
import type { Problem } from "../shapes.ts";

interface PanelProps {
    id: string;
    title: string;
    /** To the right of the title. */
    tools?: ComponentChildren;
    note?: ComponentChildren;
    problem?: Problem | null;
    /** When what it shows came; of no interest while there is no problem. */
    knownAt?: number | null;
    className?: string;
    children: ComponentChildren;
}

export function Panel({ id, title, tools, note, problem, knownAt, className = "", children }: PanelProps) {
    const isOld = Boolean(problem) && knownAt !== null;
    return (
        <section id={id} class={`panel ${className}`} aria-labelledby={`${id}-title`}>
            <header class="panel-head">
                <h2 id={`${id}-title`}>{title}</h2>
                {note && <p class="note">{note}</p>}
                {tools && <div class="tools">{tools}</div>}
            </header>
            {problem && (
                <p class="trouble" role="status">
                    <strong>{problem.title}.</strong> {problem.detail}
                    {isOld && ` Last known ${formatClock(knownAt)}.`}
                </p>
            )}
            <div class={isOld ? "old" : undefined}>{children}</div>
        </section>
    );
}

export function Nothing({ children }: { children: ComponentChildren }) {
    return <p class="nothing">{children}</p>;
}
