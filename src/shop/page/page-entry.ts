import { fileURLToPath } from "node:url";

/** For `addPage`. */
export const pageEntry = fileURLToPath(new URL("page.tsx", import.meta.url));
