import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
    return (
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            {children}
        </svg>
    );
}

/** Two walls and what flows between them. */
export function Mark() {
    return (
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect width="32" height="32" rx="8" />
            <path d="M9 9v14M23 9v14M9 13c5 0 9 6 14 6M9 19c3 0 5 1.500 6.500 3" />
        </svg>
    );
}

export function LightIcon() {
    return (
        <Icon>
            <circle cx="8" cy="8" r="2.75" />
            <path d="M8 1.500v1.500M8 13v1.500M1.500 8h1.500M13 8h1.500M3.400 3.400l1.050 1.050M11.550 11.550l1.050 1.050M3.400 12.600l1.050-1.050M11.550 4.450l1.050-1.050" />
        </Icon>
    );
}

export function DarkIcon() {
    return (
        <Icon>
            <path d="M13.250 9.600A5.600 5.600 0 0 1 6.400 2.750a5.600 5.600 0 1 0 6.850 6.850z" />
        </Icon>
    );
}

export function AutoIcon() {
    return (
        <Icon>
            <circle cx="8" cy="8" r="5.500" />
            <path d="M8 2.500a5.500 5.500 0 0 1 0 11z" fill="currentColor" />
        </Icon>
    );
}

export function CheckIcon() {
    return (
        <Icon>
            <path d="M3 8.500l3.250 3.250L13 4.750" />
        </Icon>
    );
}

export function CrossIcon() {
    return (
        <Icon>
            <path d="M4 4l8 8M12 4l-8 8" />
        </Icon>
    );
}

export function ChevronIcon() {
    return (
        <Icon>
            <path d="M6 3.500L10.500 8 6 12.500" />
        </Icon>
    );
}
