/** What a test file opens is closed once all of it has run, its own `afterAll` too, the last first. See preload.ts. */
type Close = () => unknown;

const closers: Close[] = [];

export function atEnd(close: Close): void {
    closers.push(close);
}

/** One that fails does not keep the others open. */
export async function closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of closers.splice(0).reverse()) {
        try {
            await close();
        } catch (error) {
            errors.push(error);
        }
    }
    if (errors.length > 0) throw errors[0];
}
