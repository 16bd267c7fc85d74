/** A section with its title, and with its own trouble: what one panel cannot load is no other panel's business. */
import type { ComponentChildren } from "preact";
import { formatClock } from "../format.ts";
import type { Problem } from "../shapes.ts";

interface PanelProps {
    id: string;
    title: ComponentChildren;
    /** To the right of the title. */
    tools?: ComponentChildren;
    note?: ComponentChildren;
    problem?: Problem | null;
    /** When what it shows came; of no interest while there is no problem. */
    knownAt?: number | null;
    className?: string;
    /** It is what the view is about. */
    isView?: boolean;
    children: ComponentChildren;
}

export function Panel({
    id,
    title,
    tools,
    note,
    problem,
    knownAt,
    className = "",
    isView = false,
    children,
}: PanelProps) {
    const Heading = isView ? "h1" : "h2";
    const isOld = Boolean(problem) && knownAt !== null;
    return (
        <section id={id} class={`panel ${className}`} aria-labelledby={`${id}-title`}>
            <header class="panel-head">
                <Heading id={`${id}-title`}>{title}</Heading>
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
