import type { ComponentChildren } from "preact";

/** Content that may be wider or longer than its place. It takes the focus, so the arrow keys scroll it too. */
export function Scroll({ label, children }: { label: string; children: ComponentChildren }) {
    return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: axe's rule scrollable-region-focusable asks for it
        <section class="scroll" tabIndex={0} aria-label={label}>
            {children}
        </section>
    );
}
