/** Tests need not close what they open: it is closed once the test, or the test file, is over, the last first. See preload.ts. */
type Close = () => unknown;

const afterFile: Close[] = [];
const afterEachTest: Close[] = [];

/** Closes once the whole file has run, its own `afterAll` too. */
export function atEnd(close: Close): void {
    afterFile.push(close);
}

/** Closes once the test that runs, or is about to, has ended. */
export function afterTest(close: Close): void {
    afterEachTest.push(close);
}

export const closeTest = () => closeAll(afterEachTest);
export const closeFile = () => closeAll(afterFile);

/** One that fails does not keep the others open. */
async function closeAll(closers: Close[]): Promise<void> {
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
