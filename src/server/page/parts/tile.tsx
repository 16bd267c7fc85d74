import type { ComponentChildren } from "preact";
import type { Problem } from "../shapes.ts";
import { Nothing } from "./panel.tsx";

interface TileProps {
    title: string;
    problem?: Problem | null;
    /** Shown in place of the content. */
    nothing?: string | false | null;
    class?: string;
    children: ComponentChildren;
}

/** One of several things side by side in a panel, with its own trouble. */
export function Tile({ title, problem, nothing, class: className = "", children }: TileProps) {
    return (
        <div class={`tile ${className}`}>
            <h3>{title}</h3>
            {problem && <p class="trouble">{problem.title}.</p>}
            {nothing ? <Nothing>{nothing}</Nothing> : children}
        </div>
    );
}
