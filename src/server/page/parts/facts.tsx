import type { ComponentChildren } from "preact";

/** Names and values, side by side. A fact without a value is left out. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
    return (
        <dl class="facts">
            {facts
                .filter(([, value]) => value !== null && value !== "")
                .map(([name, value]) => (
                    <div key={name}>
                        <dt>{name}</dt>
                        <dd>{value}</dd>
                    </div>
                ))}
        </dl>
    );
}
