import type { ComponentChildren } from "preact";

/** Looks like a link and acts on this page. */
export function LinkButton({ onClick, children }: { onClick: () => void; children: ComponentChildren }) {
    return (
        <button type="button" class="link" onClick={onClick}>
            {children}
        </button>
    );
}
