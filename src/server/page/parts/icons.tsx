/** In a square of 16. */
const outlines = {
    light: "M10.75 8a2.75 2.75 0 1 1-5.5 0a2.75 2.75 0 1 1 5.5 0zM8 1.5v1.5M8 13v1.5M1.5 8h1.5M13 8h1.5M3.4 3.4l1.05 1.05M11.55 11.55l1.05 1.05M3.4 12.6l1.05-1.05M11.55 4.45l1.05-1.05",
    dark: "M13.25 9.6A5.6 5.6 0 0 1 6.4 2.75a5.6 5.6 0 1 0 6.85 6.85z",
    auto: "M13.5 8a5.5 5.5 0 1 1-11 0a5.5 5.5 0 1 1 11 0z",
    check: "M3 8.5l3.25 3.25L13 4.75",
    cross: "M4 4l8 8M12 4l-8 8",
    chevron: "M6 3.5L10.5 8 6 12.5",
};

export function Icon({ name }: { name: keyof typeof outlines }) {
    return (
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d={outlines[name]} />
            {name === "auto" && <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />}
        </svg>
    );
}

/** Two walls and what flows between them. */
export function Mark() {
    return (
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect width="32" height="32" rx="8" />
            <path d="M9 9v14M23 9v14M9 13c5 0 9 6 14 6M9 19c3 0 5 1.5 6.5 3" />
        </svg>
    );
}
